#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Give the build image the Rust and the programs that the project asks for.
#
#   prepare.sh TARGET TOOLS CHANNEL TARGETS COMPONENT...
#
# TARGET is a target triple, `musl` or `gnu` for the one of this machine with that C library, or - for what cargo takes by itself.
# TOOLS are packages of Debian, each with the program that stands for it: program=package,=package, or -.
# CHANNEL is what the toolchain file asks for, or -. TARGETS are those that it names, with commas between them, or -: a build
# script may compile for one.
# It leaves what the next step is to use in /rustdocker: `triple` and `toolchain`. Beside this script lies /cargo, what it
# shares with the scripts that run cargo.
set -eu
export LC_ALL=C

target=$1 tools=$2 channel=$3 targets=$4
shift 4
. /cargo

fail() { mark "unusable: $*"; exit 66; }

# A server, or its name, may be out of reach for a moment.
try_twice() { "$@" >&2 || { sleep 3 && "$@" >&2; }; }

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
            try_twice rustup toolchain install --profile minimal --no-self-update "$channel"
            export RUSTUP_TOOLCHAIN="$channel"
            ;;
    esac
    if command -v rustup > /dev/null; then
        # The toolchain file is not asked again: it would also bring formatter and linter.
        rustup show active-toolchain | cut -d ' ' -f 1 > /rustdocker/toolchain
    fi
    for component in "$@"; do
        case $component in clippy) program=cargo-clippy ;; rustfmt) program=rustfmt ;; *) program= ;; esac
        # Of a component that is missing, rustup has a program all the same, which fails.
        [ -z "$program" ] || ! "$program" --version > /dev/null 2>&1 || continue
        with_rustup "$component"
        try_twice rustup component add "$component"
    done
}

add_target() {
    [ "$target" != gnu ] || target=$host
    [ "$target" != musl ] || target=$(echo "$host" | sed 's/-linux-gnu/-linux-musl/')
    if [ "${target%%-*}" != "${host%%-*}" ]; then
        fail "other machine: $target, where this builder's is $host"
    fi
    need_target "$target"
    echo "$target" > /rustdocker/triple
}

need_target() {
    [ ! -d "$(rustc --print=target-libdir --target="$1" 2> /dev/null)" ] || return 0
    with_rustup "$1"
    say "adding the target $1"
    try_twice rustup target add "$1"
}

# An image without rustup may have all that its user needs of them.
add_named_targets() {
    command -v rustup > /dev/null || return 0
    for named in $(echo "$targets" | tr , ' '); do need_target "$named"; done
}

is_there() {
    if [ -n "$1" ]; then
        command -v "$1" > /dev/null
    else
        [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$2" 2> /dev/null)" = installed ]
    fi
}

install_tools() {
    packages=
    for tool in $(echo "$tools" | tr , ' '); do
        is_there "${tool%%=*}" "${tool#*=}" || packages="${packages:+$packages }${tool#*=}"
    done
    [ -n "$packages" ] || return 0
    if ! command -v apt-get > /dev/null; then
        say "this build image has no apt-get to install $packages: it is taken to have what that would bring"
        return 0
    fi
    say "installing $packages"
    # shellcheck disable=SC2086 # several words
    get_packages "$packages" $packages
}

trust
host=$(rustc --version --verbose | sed -n 's/^host: //p')
mkdir -p /rustdocker
choose_toolchain "$@"
[ "$tools" = - ] || install_tools
[ "$targets" = - ] || add_named_targets
[ "$target" = - ] || add_target
