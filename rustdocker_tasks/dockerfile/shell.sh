#!/bin/sh
# Made by rustdocker-tasks.
#
# A shell for people in the build image, with the Rust, the certificates and the proxies that the steps of a build have.
# Beside it lies `cargo`, what the scripts that run cargo share.
set -eu

. /rustdocker/cargo

mkdir -p "$CARGO_HOME" "$CARGO_TARGET_DIR"
enter .
trust
shell=$(command -v bash || command -v sh)
exec "$shell" "$@"
