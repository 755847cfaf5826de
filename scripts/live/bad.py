# SPDX-License-Identifier: Apache-2.0
"""Group bad: wrong command lines and missing privileges end with one clear line and status 2."""
from live.common import APP, IP, NIC_IF, NIC_IP, PEER_IP, WIRE, expect, expect_equal, must, on_nic_host, run, spread

# name: options of `lockwire run`, a word that the line must hold
BAD = {
    "missing_interface": (("--wire=afpacket:nope0", IP, APP), "nope0"),
    "unknown_wire": (("--wire=pigeon:nic0", IP, APP), "pigeon"),
    "wire_without_interface": (("--wire=afpacket:", IP, APP), "afpacket"),
    "no_wire": ((IP, APP), "--wire"),
    "no_ip": ((WIRE, APP), "--ip"),
    "ip_without_length": ((WIRE, f"--ip={NIC_IP}", APP), NIC_IP),
    "ip_out_of_range": ((WIRE, "--ip=10.99.0.256/24", APP), "10.99.0.256"),
    "ip_length_33": ((WIRE, f"--ip={NIC_IP}/33", APP), "/33"),
    "ip_is_a_name": ((WIRE, "--ip=localhost/24", APP), "localhost"),
    "ip_is_its_networks": ((WIRE, "--ip=10.99.0.0/24", APP), "10.99.0.0/24"),
    "gateway_elsewhere": ((WIRE, IP, "--gw=10.98.0.1", APP), "--gw 10.98.0.1"),
    "bad_mac": ((WIRE, IP, "--mac=02:00:00:00:00", APP), "02:00:00:00:00"),
    "group_mac": ((WIRE, IP, "--mac=01:00:5e:00:00:01", APP), "01:00:5e:00:00:01"),
    "unknown_app": ((WIRE, IP, "--app=gopher:70"), "gopher"),
    "app_without_port": ((WIRE, IP, "--app=echo"), "echo"),
    "app_port_0": ((WIRE, IP, "--app=echo:0"), "echo"),
    "app_port_65536": ((WIRE, IP, "--app=echo:65536"), "echo"),
    "app_unknown_option": ((WIRE, IP, "--app=kv:6379,fast"), "fast"),
    "app_bad_option_value": ((WIRE, IP, "--app=kv:6379,maxmem=much"), "maxmem"),
    "app_bad_user_timeout": ((WIRE, IP, "--app=echo:7,user-timeout=x"), "user-timeout"),
    "echo_option": ((WIRE, IP, "--app=echo:7,loud"), "loud"),
    "echo_flag_with_value": ((WIRE, IP, "--app=echo:7,udp=1"), "udp"),
    "sink_option": ((WIRE, IP, "--app=sink:9,bytes=1"), "bytes"),
    "source_bytes": ((WIRE, IP, "--app=source:19,bytes=0"), "bytes=0"),
    "httpd_without_root": ((WIRE, IP, "--app=httpd:80"), "root"),
    "httpd_root_that_is_not": ((WIRE, IP, "--app=httpd:80,root=/nowhere"), "/nowhere"),
    "httpd_root_is_a_file": ((WIRE, IP, "--app=httpd:80,root=/etc/passwd"), "/etc/passwd"),
    "httpd_bad_timeout": ((WIRE, IP, "--app=httpd:80,root=/,timeout=0"), "timeout=0"),
    "forward_without_target": ((WIRE, IP, "--app=forward:80"), "to="),
    "forward_bad_target": ((WIRE, IP, "--app=forward:80=localhost:80"), "localhost:80"),
    "forward_to_port_0": ((WIRE, IP, "--app=forward:80=127.0.0.1:0"), "127.0.0.1:0"),
    "echo_client_without_target": ((WIRE, IP, "--app=echo-client:4000"), "to="),
    "echo_client_bytes": ((WIRE, IP, "--app=echo-client=10.99.0.1:7,bytes=-1"), "bytes=-1"),
    "option_given_twice": ((WIRE, IP, "--app=kv:6379,maxmem=1M,maxmem=2M"), "twice"),
    "port_given_twice": ((WIRE, IP, "--app=echo:7", "--app=kv:7"), "7"),
    "unknown_option": ((WIRE, IP, APP, "--turbo"), "--turbo"),
    "option_without_value": ((WIRE, IP, APP, "--stats"), "--stats"),
    "stray_argument": ((WIRE, IP, APP, "stray"), "stray"),
    "bad_seed": ((WIRE, IP, APP, "--seed=x"), "--seed"),
    "bad_options": ((WIRE, IP, APP, "--options=most"), "--options"),
    "ecn_of_the_nic": ((WIRE, IP, APP, "--ecn"), "--ecn"),
    "pair_without_checker": (("--wire=pair", "--seed=1", "--check=off"), "--wire pair"),
    "bad_for": ((WIRE, IP, APP, "--for=-1"), "--for"),
    "stats_not_writable": ((WIRE, IP, APP, "--stats=/nowhere/stats.json"), "/nowhere/stats.json"),
    "shared_ip_not_on_interface": ((WIRE, "--ip=10.99.0.99/24", "--shared-ip", APP), "10.99.0.99"),
}


def expect_usage_error(cmd, word):
    r = run(*cmd, seconds=10)
    expect_equal(r.returncode, 2, f"status (stderr: {r.stderr.strip()[-300:]})")
    expect_equal(len(r.stderr.splitlines()), 1, f"lines on stderr: {r.stderr!r}")
    expect(r.stderr.endswith("\n") and word in r.stderr, f"stderr does not name '{word}': {r.stderr!r}")
    expect_equal(r.stdout, "", "stdout")


def test_small_mtu(t):
    must(*on_nic_host("ip", "link", "set", NIC_IF, "mtu", "500"))
    try:
        expect_usage_error(on_nic_host(t.lockwire, "run", *spread(WIRE, IP, APP)), "MTU is 500")
    finally:
        must(*on_nic_host("ip", "link", "set", NIC_IF, "mtu", "1500"))


def group(t):
    for name, (options, word) in BAD.items():
        t.case(f"bad_{name}", expect_usage_error, on_nic_host(t.lockwire, "run", *spread(*options)), word)
    t.case("bad_mtu_of_the_interface", test_small_mtu, t)
    t.case("bad_standard_input_twice", expect_usage_error,
           on_nic_host(t.lockwire, "run", *spread(WIRE, IP), "--app", f"nc:4000={PEER_IP}:9", "--app", "shell"), "standard input")
    t.case("bad_unknown_subcommand", expect_usage_error, on_nic_host(t.lockwire, "fly"), "fly")
    powerless = on_nic_host("setpriv", "--inh-caps=-all", "--bounding-set=-all", "--", t.lockwire, "run",
                            *spread(WIRE, IP, APP))
    t.case("bad_missing_privilege", expect_usage_error, powerless, NIC_IF)
