#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Fetch the crates that the lock file names, into a layer, so that all that follows does without network and secrets.
#
#   fetch.sh PROJECT CARGO_ARGUMENT...
#
# PROJECT is the folder in which cargo runs. Beside this script lie /cargo, what all steps with cargo share, and /fetch.tar:
# manifests, lock file and configuration.
set -eu
export LC_ALL=C

project=$1
shift
. /cargo

# Below the image's own configuration, as the sources are.
mkdir -p /rustdocker
work=$(mktemp -d /rustdocker/fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
tar --extract --touch --file=/fetch.tar --directory="$work"
enter "$work/sources/$project"
trust
open_doors
code=0
CARGO_NET_OFFLINE=false cargo fetch "$@" || code=$?
close_doors
require_success fetch "$code"
