#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317  # finish is called by a trap
# `make live`: puts the simulated NIC on a network of its own and leaves it there for your clients, until Ctrl-C.
#   scripts/live.sh [OPTION]...   options are handed on to `lockwire run`; with an --app among them, only yours are served
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
[[ ${LW_NIC_HOLDER:-} ]] || exec scripts/netns.sh scripts/live.sh "$@"
# shellcheck source=scripts/run_nic.sh
source scripts/run_nic.sh

finish() {
  trap '' INT TERM
  if [[ $lw_run_pid ]]; then lw_run_stop; fi
  tail -n +1 "$log"
}

main() {
  [[ -x $LOCKWIRE ]] || { echo "live: there is no $LOCKWIRE: run \`make build\`" >&2; exit 2; }
  local out
  out=$(dirname "$LOCKWIRE")/live
  mkdir -p "$out"
  log=$out/lockwire.log
  local -a apps=(--app echo:7 --app kv:6379)
  if [[ " $* " == *' --app'* ]]; then apps=(); fi
  trap finish EXIT
  trap 'exit 0' INT
  trap 'exit 143' TERM
  lw_run_start "$log" "${apps[@]}" --stats "$out/stats.json" "$@" || exit 1

  local enter
  enter=$(lw_enter)
  cat <<TEXT
The simulated NIC is at $LW_NIC_IP, in a network of its own. In another terminal, as the same user:

  $enter bash              a shell on the other end of its wire, or at once:
  $enter ping $LW_NIC_IP
  $enter nc -N $LW_NIC_IP 7 </etc/services
  $enter redis-cli -h $LW_NIC_IP
  $enter dumpcap -i $LW_PEER_IF -w /tmp/nic.pcapng

What it says goes to $log. Ctrl-C ends it.
TEXT
  wait "$lw_run_pid"
  local status=$?
  lw_run_pid=''
  echo "live: lockwire ended by itself with status $status" >&2
  exit "$status"
}

main "$@"
