#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# What the scripts that run cargo share; read by them.

# For the user; and for the tool that reads along.
say() { echo "rustdocker says: $*" >&2; }
mark() { echo "rustdocker: $*" >&2; }

# What this machine trusts, and the proxies that it uses. Those that docker itself is configured with come first.
trust() {
    if [ -s /run/secrets/proxies ]; then
        while IFS='=' read -r name value; do
            [ -n "$(printenv "$name")" ] || export "$name=$value"
        done < /run/secrets/proxies
    fi
    bundle=/run/secrets/ca-bundle
    [ -s "$bundle" ] || return 0
    export SSL_CERT_FILE=$bundle GIT_SSL_CAINFO=$bundle CURL_CA_BUNDLE=$bundle
    # With it, the git in cargo goes through curl, which shows no password. Debian's own cargo knows no other variable.
    if [ -z "$(find /run/secrets -name 'git-*' -size +0)" ]; then
        export CARGO_HTTP_CAINFO=$bundle
    fi
}

# Let apt-get get packages, named in a word, by the further words; what it says is shown if it fails. It trusts the bundle that
# `trust` found.
get_packages() {
    wanted=$1
    shift
    # It knows no variable for it, and reads it as a user of its own.
    trusted=
    if [ -s "$bundle" ]; then
        trusted=-oAcquire::https::CaInfo=/tmp/ca-bundle
        install --mode=644 "$bundle" /tmp/ca-bundle
    fi
    if ! apt-get update --quiet=2 $trusted > /tmp/packages 2>&1 \
        || ! apt-get install --quiet=2 --yes --no-install-recommends $trusted "$@" >> /tmp/packages 2>&1; then
        cat /tmp/packages >&2
        mark "not installed: $wanted"
        exit 66
    fi
    rm -f /tmp/packages /tmp/ca-bundle
}

# What opens registries and repositories, for cargo and the git in it.
open_doors() {
    [ -d /run/secrets ] || return 0
    mkdir -p /rustdocker
    for secret in /run/secrets/registry-*; do
        [ -s "$secret" ] || continue
        name=$(echo "${secret#*/registry-}" | tr a-z- A-Z_)
        export "CARGO_REGISTRIES_${name}_TOKEN=$(cat "$secret")"
        # Cargo shows a token only if it is told that it may; the project's configuration may name a program of the user's.
        export "CARGO_REGISTRIES_${name}_CREDENTIAL_PROVIDER=cargo:token"
    done
    if [ -n "$(find /run/secrets -name 'git-*' -size +0)" ]; then
        # Through a proxy, cargo's own git asks no helper; git itself does.
        if [ -n "${https_proxy:-}${http_proxy:-}${all_proxy:-}" ]; then
            if command -v git > /dev/null && { [ -z "${SSH_AUTH_SOCK:-}" ] || command -v ssh > /dev/null; }; then
                export CARGO_NET_GIT_FETCH_WITH_CLI=true
            else
                say "a proxy and a git server's password need a build image with git: without it cargo shows none"
            fi
        fi
        set_aside /etc/gitconfig
        printf '[credential]\n\thelper = "!sh /rustdocker/git-credential"\n' >> /etc/gitconfig
        cat > /rustdocker/git-credential << 'END'
# Answer git as its credential helper; a secret's first line is its server, the others are the answer.
protocol= host=
while IFS='=' read -r key value; do
    case $key in protocol) protocol=$value ;; host) host=$value ;; esac
done
# The git in cargo leaves out the port, and an address in numbers.
for secret in /run/secrets/git-*; do
    case $(head -n 1 "$secret") in
        "$protocol://${host:-none}" | "$protocol://${host:-none}":*) tail -n +2 "$secret"; exit ;;
        "$protocol://"[0-9]*.*) [ -n "$host" ] || { tail -n +2 "$secret"; exit; } ;;
    esac
done
END
    fi
    if [ -s /run/secrets/known-hosts ]; then
        mkdir -p /etc/ssh
        set_aside /etc/ssh/ssh_known_hosts
        cat /run/secrets/known-hosts >> /etc/ssh/ssh_known_hosts
    fi
}

# The image has its own of these files, or none, and is to have no other.
set_aside() {
    if [ -e "$1" ]; then
        cp -p "$1" "$1.aside"
    else
        : > "$1.absent"
    fi
}

close_doors() {
    rm -f /rustdocker/git-credential
    # What runs afterwards in this step has no use for them.
    for variable in $(env | sed -n 's/^\(CARGO_REGISTRIES_[A-Z0-9_]*_\(TOKEN\|CREDENTIAL_PROVIDER\)\)=.*/\1/p'); do
        unset "$variable"
    done
    unset CARGO_NET_GIT_FETCH_WITH_CLI SSH_AUTH_SOCK
    for file in /etc/gitconfig /etc/ssh/ssh_known_hosts; do
        if [ -e "$file.aside" ]; then
            mv "$file.aside" "$file"
        elif [ -e "$file.absent" ]; then
            rm "$file" "$file.absent"
        fi
    done
}

# For the tool that reads along: the crates that took longest, out of the report that cargo writes for a browser.
tell_slowest() {
    [ -f "$1/cargo-timing.html" ] || return 0
    awk -F '"' '/^const UNIT_DATA/ { inside = 1 } /^\];/ { inside = 0 }
        inside && $2 == "name" { name = $4 }
        inside && $2 == "duration" { sub(/^: /, "", $3); sub(/,.*/, "", $3); print $3, name }' "$1/cargo-timing.html" \
        | sort -rn | head -n 5 | while read -r seconds name; do mark "took $seconds $name"; done
    rm -rf "$1"
}

# What the image configures for its users in the home that ours takes the place of, such as a company's mirror of crates.io:
# it counts from above the sources.
take_configuration() {
    [ "${CARGO_HOME:-}" = /rustdocker/cargo-home ] || return 0
    for file in /usr/local/cargo/config.toml /usr/local/cargo/config "${HOME:-/root}/.cargo/config.toml" "${HOME:-/root}/.cargo/config"; do
        if [ -f "$file" ] && [ ! -e /rustdocker/.cargo ]; then
            mkdir -p /rustdocker/.cargo
            cp "$file" /rustdocker/.cargo/config.toml
        fi
    done
}

# Go where cargo is to run, with the toolchain that the first step chose.
enter() {
    take_configuration
    cd "$1"
    if [ -s /rustdocker/toolchain ]; then
        RUSTUP_TOOLCHAIN=$(cat /rustdocker/toolchain)
        export RUSTUP_TOOLCHAIN
    fi
}

# End this step if cargo's COMMAND ended with another CODE than 0, after a function THEN, if one is named.
#
#   require_success COMMAND CODE [THEN]
require_success() {
    [ "$2" != 0 ] || return 0
    mark "cargo $1 failed: $2"
    [ -z "${3:-}" ] || "$3"
    exit 66
}

# For a target of musl, clang finds neither its own headers nor musl's where Debian has them.
teach_bindgen() {
    variable=BINDGEN_EXTRA_CLANG_ARGS_$(echo "$1" | tr - _)
    own=$(printf '%s\n' /usr/lib/*/lib/clang/*/include | tail -n 1)
    headers=/usr/include/${1%%-*}-linux-musl
    if [ -d "$own" ] && [ -d "$headers" ] && [ -z "$(printenv "$variable")" ]; then
        # bindgen reads it in place of the general one.
        export "$variable=-isystem $own -isystem $headers ${BINDGEN_EXTRA_CLANG_ARGS:-}"
    fi
}

# Run cargo with these arguments as the first step chose, and leave its messages in a file, its exit code in `code`, and the
# flag that names the target in `target_flag`, if there is one.
#
#   run_cargo MESSAGES TARGET FOLDER COMMAND CARGO_ARGUMENT...
run_cargo() {
    messages=$1 command=$4
    # The project's configuration may put intermediate artefacts elsewhere: on a mount that all projects share.
    export CARGO_TARGET_DIR="$2" CARGO_BUILD_BUILD_DIR="$2"
    # What makes something new here is its time.
    export CARGO_UNSTABLE_CHECKSUM_FRESHNESS=false
    # A build script that runs once and names what it has put into the user's cache (ort-sys) is to find it there in the next step.
    export XDG_CACHE_HOME="${XDG_CACHE_HOME:-$2/rustdocker/cache}"
    enter "$3"
    shift 4
    target_flag=
    if [ -s /rustdocker/triple ]; then
        triple=$(cat /rustdocker/triple)
        target_flag=--target=$triple
        set -- "$target_flag" "$@"
        case $triple in *-musl) teach_bindgen "$triple" ;; esac
    fi
    trust
    open_doors
    code=0
    version=$(cargo --version)
    if [ -n "${CARGO_TERM_PROGRESS_WHEN:-}" ]; then
        # Since cargo 1.60.
        case $version in "cargo 1."[0-9].* | "cargo 1."[1-5][0-9].*) ;; *) set -- --timings "$@" ;; esac
    fi
    if [ -n "${keep_going:-}" ]; then
        # Since cargo 1.74.
        case $version in
            "cargo 1."[0-9].* | "cargo 1."[1-6][0-9].* | "cargo 1.7"[0-3].*) ;;
            *) set -- --keep-going "$@" ;;
        esac
    fi
    cargo "$command" --message-format=json-render-diagnostics "$@" > "$messages" || code=$?
    close_doors
    tell_slowest "$CARGO_TARGET_DIR/cargo-timings"
}

if ! find / -maxdepth 0 -printf '' 2> /dev/null; then
    mark "unusable: its find, tar and xargs are not those of GNU, as in images of Alpine"
    exit 66
fi
if ! command -v cargo > /dev/null; then
    mark "no cargo"
    exit 66
fi
