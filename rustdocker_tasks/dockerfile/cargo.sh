#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# What the scripts that run cargo share; read by them.

# For the user; and for the tool that reads along.
say() { echo "rustdocker says: $*" >&2; }
mark() { echo "rustdocker: $*" >&2; }

trust() {
    bundle=/run/secrets/ca-bundle
    if [ -s "$bundle" ]; then
        export CARGO_HTTP_CAINFO=$bundle SSL_CERT_FILE=$bundle GIT_SSL_CAINFO=$bundle CURL_CA_BUNDLE=$bundle
    fi
}

# Run cargo with these arguments as the first step chose, and leave its messages in a file.
#
#   build MESSAGES TARGET SOURCES CARGO_ARGUMENT...
build() {
    messages=$1
    export CARGO_TARGET_DIR="$2"
    cd "$3"
    shift 3
    if [ -s /rustdocker/toolchain ]; then
        RUSTUP_TOOLCHAIN=$(cat /rustdocker/toolchain)
        export RUSTUP_TOOLCHAIN
    fi
    if [ -s /rustdocker/triple ]; then
        set -- "$@" "--target=$(cat /rustdocker/triple)"
    fi
    trust
    code=0
    cargo build --message-format=json-render-diagnostics "$@" > "$messages" || code=$?
    if [ "$code" != 0 ]; then
        mark "cargo failed: $code"
        exit 66
    fi
}

if ! command -v cargo > /dev/null; then
    mark "no cargo"
    exit 66
fi
