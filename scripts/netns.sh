#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A network of our own, in which everything runs and outside of which nothing is touched:
#
#     peer host                                        NIC host
#     peer0 10.99.0.1/24  ------- veth pair -------    nic0 (no address; the NIC has 10.99.0.2 and its own MAC)
#     the kernel's TCP: nc, redis-cli, dumpcap         build/lockwire on a packet socket
#
#   scripts/netns.sh CMD [ARG]...   runs CMD on the peer host; its exit status is ours
#   source scripts/netns.sh         inside: lw_nic CMD... turns the shell into CMD on the NIC host, so it is written
#                                   `(lw_nic CMD)`, or `lw_nic CMD &` with $! being CMD's own pid
#
# Both hosts are nameless network namespaces in a nameless PID namespace: no `ip netns`, so nothing can be left behind.
# When the first process in there ends, for whatever reason, the kernel kills all others and the namespaces go with
# them. SIGKILL of the outermost process is passed on by parent-death signals. As an ordinary user the same is done
# inside a user namespace, where the machine allows it.
#
#   this script (outer) -> unshare -> this script again (init, PID 1) -> CMD
#                                       \-> sleep: holds the NIC host's namespace
#
# Set inside: LW_PEER_IF, LW_PEER_IP, LW_NIC_IF, LW_NIC_IP, LW_NIC_HOLDER (pid), LW_NS_PID (pid, as seen from outside, of a
# process on the peer host: for nsenter).

LW_PEER_IF=peer0 LW_PEER_IP=10.99.0.1
LW_NIC_IF=nic0 LW_NIC_IP=10.99.0.2
LW_PREFIX_LEN=24

lw_die() {
  echo "netns: $*" >&2
  exit 2
}

# Polls until a command succeeds: lw_until SECONDS CMD... ; false when the time is over.
lw_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.02
  done
}

# Runs a command on the NIC host in place of this shell.
lw_nic() {
  exec nsenter --net="/proc/$LW_NIC_HOLDER/ns/net" -- "$@"
}

# --- inside: PID 1 ---

lw_quiet_ipv6() { # of the namespace that /proc/self is in: no router solicitations on the wire
  local f
  for f in all default; do
    if [[ -e /proc/sys/net/ipv6/conf/$f/disable_ipv6 ]]; then echo 1 >"/proc/sys/net/ipv6/conf/$f/disable_ipv6"; fi
  done
}

lw_has_own_net() { [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]; }

lw_make_veth() {
  (lw_nic bash -c "$(declare -f lw_quiet_ipv6); lw_quiet_ipv6") &&
    ip link add "$LW_PEER_IF" type veth peer name "$LW_NIC_IF" &&
    ip link set "$LW_NIC_IF" netns "$LW_NIC_HOLDER" &&
    ip link set lo up &&
    ip addr add "$LW_PEER_IP/$LW_PREFIX_LEN" dev "$LW_PEER_IF" &&
    ip link set "$LW_PEER_IF" up &&
    (lw_nic ip link set lo up) &&
    (lw_nic ip link set "$LW_NIC_IF" up)
}

lw_make_network() {
  lw_quiet_ipv6
  unshare -n -- sleep infinity &
  LW_NIC_HOLDER=$!
  lw_until 10 lw_has_own_net "$LW_NIC_HOLDER" || lw_die "the NIC host's namespace did not come up"
  export LW_PEER_IF LW_PEER_IP LW_NIC_IF LW_NIC_IP LW_PREFIX_LEN LW_NIC_HOLDER

  lw_make_veth || lw_die "cannot make the veth pair"
  # A veth carries frames whose checksum the kernel has left to hardware that is not there, and 64 kB super-frames.
  # Only the sending end decides, so the kernel's end is told to finish its frames; the NIC host's own traffic likewise.
  ethtool -K "$LW_PEER_IF" tx off >/dev/null || lw_die "cannot turn off checksum offload on $LW_PEER_IF"
  (lw_nic ethtool -K "$LW_NIC_IF" tx off gro off >/dev/null) || lw_die "cannot turn off offloads on $LW_NIC_IF"
}

lw_init() {
  local status signalled=''
  # Init waits in `wait`, so a signal is passed on at once. INT from a terminal has reached CMD already.
  trap 'signalled=TERM' TERM HUP
  trap : INT
  lw_make_network
  # Background jobs of a script have SIGINT ignored; CMD must get it as it would without us.
  env --default-signal=INT,QUIT -- "$@" <&0 &
  local pid=$!
  while :; do
    wait "$pid"
    status=$?
    kill -0 "$pid" 2>/dev/null || break
    if [[ $signalled ]]; then
      kill -TERM "$pid" 2>/dev/null
      signalled=''
      status=143
      if lw_until 15 lw_gone "$pid"; then # time for its summary; after that it goes down with us
        wait "$pid"
        status=$?
      fi
      break
    fi
  done
  exit "$status"
}

lw_gone() {
  local state
  state=$(awk '/^State:/ {print $2}' "/proc/$1/status" 2>/dev/null)
  [[ -z $state || $state == Z ]]
}

# --- outside ---

lw_outer() {
  local -a flags=(--net --mount --pid --fork --kill-child --mount-proc)
  if ((EUID != 0)); then
    flags=(--user --map-root-user "${flags[@]}")
    unshare --user --map-root-user true 2>/dev/null ||
      lw_die "needs root: this machine does not allow user namespaces to ordinary users"
  fi
  # unshare blocks TERM itself, so somebody must stay outside to pass it on. The shell in between is to know its own pid.
  # shellcheck disable=SC2016  # expanded by that shell
  setpriv --pdeathsig KILL -- bash -c \
    'export LW_NS_PID=$$; exec env --default-signal=INT,QUIT unshare "$@"' bash "${flags[@]}" -- \
    "$BASH" "${BASH_SOURCE[0]}" --init "$@" <&0 &
  local pid=$! status
  # shellcheck disable=SC2064  # pid is known now
  trap "pkill -TERM -P $pid" TERM HUP INT
  while :; do
    wait "$pid"
    status=$?
    kill -0 "$pid" 2>/dev/null || break
  done
  exit "$status"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  set -uo pipefail
  if [[ ${1:-} == --init ]]; then
    shift
    lw_init "$@"
  elif (($# == 0)) || [[ $1 == -h || $1 == --help ]]; then
    echo "usage: scripts/netns.sh CMD [ARG]...   runs CMD in a network namespace with a veth pair ($LW_PEER_IF here, $LW_NIC_IF for the NIC)"
  else
    lw_outer "$@"
  fi
fi
