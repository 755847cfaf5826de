#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing of the Debian packages that building and testing need. Quick when all are there.
# Exit status: 0 all there (now); 2 something is missing and cannot be installed from here, with the command that would.
set -euo pipefail

packages() {
  cat <<'LIST'
make              runs everything
gcc               compiles the C side
g++               compiles what Verilator writes
clang             compiles the simulated NIC: a quarter faster than gcc does
libclang-rt-dev   libFuzzer and sanitizers of clang, for the fuzz targets
ccache            makes the second build quick
verilator         turns the NIC into C++, and lints it
iverilog          the second simulator of benches and co-simulation: X where Verilator has 0
yosys             synthesis check and proofs
libcmocka-dev     C unit tests
libpcap-dev       reads captures for the wire monitor
libedit-dev       line editing in the shell
zlib1g-dev        checksums of recordings
python3           test drivers and generators
python3-scapy     hostile frames
python3-matplotlib  pictures of a recording
python3-pyflakes  lint of the Python scripts
iproute2          the network namespace and its veth pair
ethtool           turns checksum offload off at the kernel's end of the veth
nftables          marks packets as congested, for the tests of ECN
procps            pgrep, to pass signals into the namespace
iputils-ping      a client: ping
netcat-openbsd    a client: nc
redis-tools       clients: redis-cli, redis-benchmark
curl              a client: curl, of httpd
nginx             a server, for our wget
wrk               a client: wrk, 64 connections to httpd
gtkwave           shows waves; its fst2vcd reads them in tests
tmux              a terminal to drive the shell in
tshark            dumpcap and tshark, the independent judge of the NIC's frames
shellcheck        lint of the scripts
parallel          shares of a regression, over machines
LIST
  if [[ $accept ]]; then
    cat <<'LIST'
valgrind          memory errors and leaks, in make accept
slurmctld         shares of a regression as a Slurm array, in make accept: its controller,
slurmd            its node,
slurm-client      its commands
munge             and what they know each other by
LIST
  fi
}

usage() {
  echo "usage: scripts/deps.sh [--accept] [--list]   install missing packages, with --accept also what only make accept needs;"
  echo "                                            --list only shows what is wanted and why"
}

main() {
  accept=''
  if [[ ${1:-} == --accept ]]; then
    accept=yes
    shift
  fi
  case ${1:-} in
    '') ;;
    --list) packages; return 0 ;;
    -h | --help) usage; return 0 ;;
    *) usage >&2; return 2 ;;
  esac

  local -a names missing=()
  mapfile -t names < <(packages | awk '{print $1}')
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "deps: no apt here; wanted are (Debian's names): ${names[*]}" >&2
    return 2
  fi

  local name state installed
  # A package that was never there makes dpkg-query complain and fail: that is an answer, not an error.
  # shellcheck disable=SC2016  # the dollar signs are dpkg-query's
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${names[@]}" 2>/dev/null || true)
  for name in "${names[@]}"; do
    state=$(awk -v n="$name" '$1 == n && $2 == "installed" {print "yes"; exit}' <<<"$installed")
    [[ $state == yes ]] || missing+=("$name")
  done
  if ((${#missing[@]} == 0)); then return 0; fi

  echo "deps: missing, to be installed:"
  for name in "${missing[@]}"; do packages | awk -v n="$name" '$1 == n {print "  " $0}'; done

  local -a as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      echo "deps: neither root nor sudo without a password here. Please run:" >&2
      echo "  su -c 'apt-get update && apt-get install -y --no-install-recommends ${missing[*]}'" >&2
      return 2
    fi
    as_root=(sudo -n)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  echo "deps: installing them by apt-get; this takes a minute or two"
  local log
  log=$(mktemp)
  # A package that comes with a service (nginx) must not start it here: the tests do, in a network of their own.
  # shellcheck disable=SC2016  # expanded by that shell
  local idle='p=/usr/sbin/policy-rc.d
    if [ ! -e $p ]; then trap "rm -f $p" EXIT; trap "exit 130" INT; trap "exit 143" TERM; printf "#!/bin/sh\nexit 101\n" >$p; chmod 755 $p; fi
    "$@"'
  if ! { "${as_root[@]}" apt-get -qq update &&
    "${as_root[@]}" sh -c "$idle" sh apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "deps: apt-get failed (all it said: $log); wanted are: ${missing[*]}" >&2
    return 2
  fi
  rm -f "$log"
  echo "deps: installed ${#missing[@]} packages"
}

main "$@"
