#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Give the build image what a static program is linked with, if it lacks it.
#
#   prepare.sh NEEDS_C
#
# NEEDS_C is `c` if a crate compiles C.
set -eu

needs_c=$1
bundle=/run/secrets/ca-bundle
if [ -s "$bundle" ]; then
    export SSL_CERT_FILE=$bundle CURL_CA_BUNDLE=$bundle
fi
triple=$(uname -m)-unknown-linux-musl
if ! [ -d "$(rustc --print=target-libdir --target="$triple")" ]; then
    echo "rustdocker says: adding the target $triple" >&2
    rustup target add "$triple" >&2
fi
if [ "$needs_c" = c ] && ! command -v musl-gcc > /dev/null; then
    echo "rustdocker says: installing musl-tools, since a crate compiles C" >&2
    apt-get update --quiet=2 >&2
    apt-get install --quiet=2 --yes --no-install-recommends musl-tools >&2
fi
