#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lockwire with Icarus as its simulator: takes the same command line as build/lockwire. `make build-icarus` puts it beside the two
# files that it needs.
dir=$(dirname "$(readlink -f "$0")")
exec vvp -n -M "$dir" -m lockwire "$dir/lockwire.vvp" "$@"
