# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# To be sourced, inside netns.sh: starts and ends build/lockwire on the NIC host.
# shellcheck source=scripts/netns.sh
source "$(dirname "${BASH_SOURCE[0]}")/netns.sh"

LOCKWIRE=${LOCKWIRE:-build/lockwire}
lw_run_pid=''

# What enters the peer host from outside, to be followed by a command.
lw_enter() {
  if grep -q '^ *0 *0 *4294967295$' /proc/self/uid_map; then echo "nsenter -t $LW_NS_PID -n"
  else echo "nsenter -t $LW_NS_PID -U --preserve-credentials -n"; fi
}

lw_run_is_up() { grep -q '^lockwire: ready' "$1" || lw_gone "$lw_run_pid"; }

# lw_run_start LOG-FILE OPTION...: starts a run, and returns when it serves. False when it ended or never came up.
lw_run_start() {
  local log=$1
  shift
  : >"$log"
  lw_nic "$LOCKWIRE" run --wire "afpacket:$LW_NIC_IF" --ip "$LW_NIC_IP/$LW_PREFIX_LEN" "$@" >"$log" 2>&1 &
  lw_run_pid=$!
  if ! lw_until 30 lw_run_is_up "$log" || lw_gone "$lw_run_pid"; then
    echo "lockwire did not come up:" >&2
    tail -n 20 "$log" >&2
    lw_run_stop
    return 1
  fi
}

# Ends the run as Ctrl-C does; its status is ours. Killed when it does not end within 15 seconds.
lw_run_stop() {
  [[ $lw_run_pid ]] || return 1
  kill -INT "$lw_run_pid" 2>/dev/null
  if ! lw_until 15 lw_gone "$lw_run_pid"; then
    echo "lockwire did not end within 15 seconds of SIGINT: killed" >&2
    kill -KILL "$lw_run_pid"
  fi
  local status=0
  wait "$lw_run_pid" || status=$?
  lw_run_pid=''
  return "$status"
}
