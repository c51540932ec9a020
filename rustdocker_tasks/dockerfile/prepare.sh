#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Give the build image the Rust that the project asks for, and what a program for another target is linked with.
#
#   prepare.sh TARGET NEEDS_C CHANNEL COMPONENT...
#
# TARGET is a target triple, `musl` for the one of this machine with musl, or - for what cargo takes by itself.
# NEEDS_C is `c` if a crate compiles C. CHANNEL is what the toolchain file asks for, or -.
# It leaves what the next step is to use in /rustdocker: `triple` and `toolchain`.
set -eu
export LC_ALL=C

target=$1 needs_c=$2 channel=$3
shift 3

say() { echo "rustdocker says: $*" >&2; }
fail() { echo "rustdocker: unusable: $*" >&2; exit 66; }

with_rustup() {
    command -v rustup > /dev/null || fail "no rustup to add $1, which the project asks for"
}

# The image's own Rust serves if it is what is asked for: to download the same under another name takes a minute.
choose_toolchain() {
    own=$(rustc --version | cut -d ' ' -f 2)
    case $own in *-nightly) moving=nightly ;; *-beta*) moving=beta ;; *) moving=stable ;; esac
    case ${channel%-"$host"} in
        - | "$moving" | "$own" | "${own%.*}" | "${own%%.*}") ;;
        *)
            with_rustup "Rust $channel"
            say "adding Rust $channel"
            rustup toolchain install --profile minimal --no-self-update "$channel" >&2
            export RUSTUP_TOOLCHAIN="$channel"
            ;;
    esac
    if command -v rustup > /dev/null; then
        # The toolchain file is not asked again: it would also bring formatter and linter.
        rustup show active-toolchain | cut -d ' ' -f 1 > /rustdocker/toolchain
    fi
    for component in "$@"; do
        with_rustup "$component"
        rustup component add "$component" >&2
    done
}

add_target() {
    [ "$target" != musl ] || target=$(echo "$host" | sed 's/-linux-gnu/-linux-musl/')
    if [ "${target%%-*}" != "${host%%-*}" ]; then
        fail "other machine: $target, where this builder's is $host"
    fi
    if ! [ -d "$(rustc --print=target-libdir --target="$target")" ]; then
        with_rustup "$target"
        say "adding the target $target"
        rustup target add "$target" >&2
    fi
    echo "$target" > /rustdocker/triple
    case $target in *-musl*) ;; *) return 0 ;; esac
    if [ "$needs_c" = c ] && ! command -v musl-gcc > /dev/null; then
        say "installing musl-tools, since a crate compiles C"
        apt-get update --quiet=2 >&2
        apt-get install --quiet=2 --yes --no-install-recommends musl-tools >&2
    fi
}

bundle=/run/secrets/ca-bundle
if [ -s "$bundle" ]; then
    export SSL_CERT_FILE=$bundle CURL_CA_BUNDLE=$bundle
fi
command -v rustc > /dev/null || { echo "rustdocker: no cargo" >&2; exit 66; }
host=$(rustc --version --verbose | sed -n 's/^host: //p')
mkdir -p /rustdocker
choose_toolchain "$@"
[ "$target" = - ] || add_target
