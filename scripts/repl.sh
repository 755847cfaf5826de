#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make repl`: the shell (lockwire shell) with the simulated NIC on a network of its own; Linux is at the other end.
#   scripts/repl.sh [OPTION]...   options are handed on to `lockwire shell`
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
[[ ${LW_NIC_HOLDER:-} ]] || exec scripts/netns.sh scripts/repl.sh "$@"
# shellcheck source=scripts/run_nic.sh
source scripts/run_nic.sh

main() {
  [[ -x $LOCKWIRE ]] || { echo "repl: there is no $LOCKWIRE: run \`make build\`" >&2; exit 2; }
  if [[ -t 0 && -t 1 ]]; then
    local enter
    enter=$(lw_enter)
    cat <<TEXT
You are the NIC at $LW_NIC_IP, Linux is at $LW_PEER_IP. To be Linux, in another terminal, as the same user:

  $enter bash              a shell over there, or at once:
  $enter nc -l 4000        then here: c $LW_PEER_IP 4000
  $enter nc $LW_NIC_IP 4000   when here: a 4000

help shows the commands, q or Ctrl-D ends.
TEXT
  fi
  lw_nic "$LOCKWIRE" shell --wire "afpacket:$LW_NIC_IF" --ip "$LW_NIC_IP/$LW_PREFIX_LEN" "$@"
}

main "$@"
