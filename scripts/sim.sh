#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317  # functions called by name: traps, and clients under `timeout`
# `make sim`: puts the simulated NIC on a network of its own and lets ordinary clients talk to it. Shows what each client
# saw; ends with PASS or FAIL, and a status to match.
#   scripts/sim.sh [OPTION]...    options are handed on to `lockwire run` (see build/lockwire run --help)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
[[ ${LW_NIC_HOLDER:-} ]] || exec scripts/netns.sh scripts/sim.sh "$@"
# shellcheck source=scripts/run_nic.sh
source scripts/run_nic.sh

ECHO_BYTES=$((4 << 20))
REQUESTS=5000 CLIENTS=16
# Icarus does some thousand cycles a second, a hundredth of what Verilator does; it has as much less to do.
if [[ ${SIM:-} == icarus ]]; then ECHO_BYTES=$((64 << 10)) REQUESTS=50 CLIENTS=4; fi
out=$(dirname "$LOCKWIRE")/sim
failed=0

# check NAME CMD...: runs a client with its output indented, and notes how it ended.
check() {
  local name=$1 status=0 began=$EPOCHREALTIME
  shift
  echo "== $name"
  timeout -k 5 120 "$@" 2>&1 | sed 's/^/   /' || status=${PIPESTATUS[0]}
  if ((status == 0)); then
    printf '   ok (%s)\n' "$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.2f s", b - a}')"
  else
    ((failed++))
    printf '   FAILED with status %d\n' "$status"
  fi
}

# --- the clients; each runs in a shell of its own under `timeout` ---

echo_file() { # IP FILE
  nc -N "$1" 7 <"$2" >"$2.back" || return 1
  local sent got
  sent=$(sha256sum <"$2")
  got=$(sha256sum <"$2.back")
  echo "sent     $(stat -c %s "$2") bytes, sha256 ${sent%% *}"
  echo "got back $(stat -c %s "$2.back") bytes, sha256 ${got%% *}"
  [[ $sent == "$got" ]]
}

set_and_get() { # IP
  local want="crossed a NIC that has not been built" got
  echo "SET greeting '$want'"
  redis-cli -h "$1" set greeting "$want" || return 1
  echo "GET greeting"
  got=$(redis-cli -h "$1" get greeting)
  echo "$got"
  [[ $got == "$want" ]]
}

benchmark() { # IP REQUESTS CLIENTS
  local text
  text=$(redis-benchmark -h "$1" -t ping,set,get -c "$3" -n "$2" -q 2>&1 | tr '\r' '\n' | grep -i 'requests per second\|err\|fail')
  echo "$text"
  # It may end with 0 although a request failed: there must be the four results and nothing else.
  (($(wc -l <<<"$text") == 4 && $(grep -c 'requests per second' <<<"$text") == 4))
}

finish() {
  trap '' INT TERM
  if [[ $lw_run_pid ]]; then lw_run_stop; fi
}

main() {
  [[ -x $LOCKWIRE ]] || { echo "sim: there is no $LOCKWIRE: run \`make build\`" >&2; exit 2; }
  mkdir -p "$out"
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  export -f echo_file set_and_get benchmark

  echo "The simulated NIC is $LW_NIC_IP on $LW_NIC_IF; the clients run on $LW_PEER_IP, whose kernel has the" \
    "$(</proc/sys/net/ipv4/tcp_congestion_control) congestion control."
  lw_run_start "$out/lockwire.log" --app echo:7 --app kv:6379 --stats "$out/stats.json" "$@" || { echo FAIL; exit 1; }

  head -c "$ECHO_BYTES" /dev/urandom >"$out/random"
  check "ping $LW_NIC_IP" ping -q -c 3 -i 0.2 -W 2 "$LW_NIC_IP"
  check "nc -N $LW_NIC_IP 7, a random file to echo and back" bash -c "echo_file $LW_NIC_IP $out/random"
  check "redis-cli -h $LW_NIC_IP" bash -c "set_and_get $LW_NIC_IP"
  check "redis-benchmark -h $LW_NIC_IP -t ping,set,get -c $CLIENTS -n $REQUESTS -q" \
    bash -c "benchmark $LW_NIC_IP $REQUESTS $CLIENTS"

  local status=0
  lw_run_stop || status=$?
  echo "== lockwire ended with status $status and said:"
  sed 's/^/   /' "$out/lockwire.log"
  if ((failed == 0 && status == 0)); then
    echo PASS
    exit 0
  fi
  echo "FAIL ($failed of 4 clients, lockwire's status $status; more in $out)"
  exit 1
}

main "$@"
