// SPDX-License-Identifier: Apache-2.0
// Datagram sockets: UDP (RFC 768, RFC 1122 section 4.1) to and from programs, and ICMP echo: requests out, replies in, with the
// identifier in the place of our port and the sequence number in that of the other one. They need neither connections nor the
// engine. What goes to our own address never leaves the stack.
#ifndef LW_DATAGRAM_H
#define LW_DATAGRAM_H
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/tuple.h"
#include "sock/socks.h"

// Makes a new socket one for datagrams of its space; false: no memory.
bool datagram_open(struct sock *k);

// As sock_bind, sock_connect, sock_sendto, sock_recvfrom and sock_poll say.
int datagram_bind(struct stack *s, struct sock *k, uint32_t ip, uint16_t port);
int datagram_connect(struct stack *s, struct sock *k, struct sock_addr to);
ssize_t datagram_send(struct stack *s, struct sock *k, const void *data, size_t len, const struct sock_addr *to);
ssize_t datagram_recv(struct sock *k, void *buf, size_t cap, struct sock_addr *from);
unsigned datagram_poll(const struct sock *k);
// The most bytes that one datagram carries, in however many fragments.
size_t datagram_max(void);
// Why an earlier datagram did not arrive, as a negative errno, once; 0: nothing is known.
int datagram_take_error(struct sock *k);

// A UDP packet that was addressed to us, with the frame that it came in; the answer to an echo request.
void datagram_input(struct stack *s, const uint8_t *frame, const struct ipv4_hdr *ip);
void datagram_echo_reply(struct stack *s, const struct ipv4_hdr *ip, const struct icmp_msg *m);
// An ICMP error, as an errno, about a datagram of this tuple, from this router: the socket connected to where it went is told, that
// of an echo request in any case. False: nobody has sent it.
bool datagram_icmp(struct stack *s, enum socks_space space, const struct tuple *t, int err, uint32_t router);
#endif
