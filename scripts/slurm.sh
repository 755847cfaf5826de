#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Slurm of our own, for as long as a command runs: one controller and one node with as many slots as there are cores.
#
#   scripts/slurm.sh DIR CMD [ARG]...   runs CMD where sbatch and its kin talk to that Slurm; its exit status is ours
#
# All of it lives in nameless PID and network namespaces, and its files in DIR: whatever ends this script, the kernel takes the rest along,
# and a Slurm that the machine may have is not touched. CMD is told of TERM and HUP. DIR is made anew when it is ours, or empty.
#
#   this script (outer) -> unshare -> this script again (PID 1) -> CMD
set -eu

die() {
  echo "slurm: $*" >&2
  exit 2
}

until_true() {   # SECONDS CMD...
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# Its status, however often a signal wakes us meanwhile.
wait_for() {   # PID
  local status
  while :; do
    wait "$1" && status=0 || status=$?
    kill -0 "$1" 2> /dev/null || return "$status"
  done
}

inside() {
  local dir=$1
  shift
  # PID 1 gets no signal that it has no trap for. INT from a terminal reaches CMD, too.
  trap 'exit 143' TERM
  trap : INT
  ip link set lo up
  # Slurm takes no address while loopback has the only one.
  ip link add slurm0 type veth peer name slurm1
  ip addr add 10.99.9.1/24 dev slurm0
  ip link set slurm0 up
  ip link set slurm1 up
  cat > "$dir/slurm.conf" <<CONF
ClusterName=lockwire
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
CryptoType=crypto/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,defer
MpiDefault=none
ReturnToService=2
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=localhost Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
  head -c 1024 /dev/urandom > "$dir/munge.key"
  chmod 0400 "$dir/munge.key"
  munged --force --foreground --key-file="$dir/munge.key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --seed-file="$dir/munged.seed" --log-file="$dir/munged.log" > "$dir/munged.out" 2>&1 &
  mkdir -p "$dir/state" "$dir/spool"
  export SLURM_CONF=$dir/slurm.conf
  until_true 10 test -S "$dir/munge.socket" || die "munged does not start: $(tail -n 1 "$dir/munged.log" "$dir/munged.out")"
  slurmctld -D > "$dir/slurmctld.out" 2>&1 &
  slurmd -D -N localhost > "$dir/slurmd.out" 2>&1 &
  # shellcheck disable=SC2016
  until_true 30 bash -c '[[ $(sinfo -h -o %T 2> /dev/null) == idle ]]' || die "the node does not come up: $(tail -n 2 "$dir"/slurm*.log)"
  env --default-signal=INT,QUIT -- "$@" <&0 &
  local cmd=$!
  # shellcheck disable=SC2064  # its pid is known now
  trap "kill -TERM $cmd 2> /dev/null || :" TERM
  wait_for "$cmd"
}

if [[ ${1:-} == --inside ]]; then
  shift
  inside "$@"
  exit
fi
if [[ ${1:-} == -h || ${1:-} == --help || $# -lt 2 ]]; then
  echo "usage: scripts/slurm.sh DIR CMD [ARG]...   runs CMD beside a Slurm of its own, whose files are in DIR"
  [[ $# -ge 1 ]] && exit 0
  exit 2
fi
if [[ -n $(ls -A "$1" 2> /dev/null) ]] && ! grep -qsx ClusterName=lockwire "$1/slurm.conf"; then
  die "$1 is neither empty nor made by this script"
fi
for tool in munged slurmctld slurmd sbatch; do
  command -v "$tool" > /dev/null || command -v "/usr/sbin/$tool" > /dev/null || die "no $tool on this machine (scripts/deps.sh --accept installs it)"
done
rm -rf "$1"
mkdir -p "$1"
dir=$(realpath "$1")
shift
# unshare blocks TERM, so somebody stays outside to pass it on.
setpriv --pdeathsig KILL -- env --default-signal=INT,QUIT PATH="$PATH:/usr/sbin" \
  unshare --net --pid --fork --kill-child --mount-proc -- "$0" --inside "$dir" "$@" <&0 &
pid=$!
# shellcheck disable=SC2064  # its pid is known now
trap "pkill -TERM -P $pid || kill -KILL $pid || :" TERM HUP
trap : INT
wait_for "$pid"
