#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Compile the program from the sources that the list names, and leave it as /rustdocker/program.
#
#   compile.sh LIST SOURCES TARGET LIBC BINARY CARGO_ARGUMENT...
#
# LIST is the file beside this script that holds the sources' digests, or - to make it of what the context brings. SOURCES is the mirror of the sources, in which cargo
# runs, and TARGET its target folder; both may outlive the build. LIBC is `native` or `musl`.
set -eu
export LC_ALL=C

list=$1 sources=$2 target=$3 libc=$4 binary=$5
shift 5
context=/context
support=$(cd "$(dirname "$0")" && pwd)
known=$target/rustdocker/sources
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "rustdocker: $*" >&2; }

# A row of a list: digest, mode (x or -), path, one space between them. Digests have 64 digits.
paths() { cut -c 68- "$@"; }

wanted_rows() {
    if [ "$list" != - ]; then
        cat "$support/$list"
        return
    fi
    cd "$context"
    for mode in x -; do
        [ "$mode" = x ] && executable= || executable=!
        find -L . -type f $executable -perm /111 ! -path ".${support#"$context"}/*" -print0 \
            | xargs -0 -r sha256sum | sed "s,^\(.\{64\}\)  \./,\1 $mode ,"
    done
}

# Bring the mirror to the state of the list. Cargo compares times, and a context brings old ones: what differs in
# content gets the time of now, everything else keeps the time at which this mirror first saw its content.
update_mirror() {
    touch "$work/now"
    if [ -n "$(find "$sources" "$target" -newer "$work/now" -print -quit 2> "$work/ignored")" ]; then
        say "the clock was set back since the last build: compiling everything anew"
        rm -rf "$target"
    fi
    is_first=no
    if ! [ -f "$known" ]; then
        is_first=yes
        rm -rf "$sources"
        mkdir -p "$sources" "$(dirname "$known")"
        : > "$known"
    fi

    sort "$known" > "$work/known"
    wanted_rows | sort > "$work/wanted"
    comm -13 "$work/known" "$work/wanted" > "$work/changed"
    paths "$work/known" | sort > "$work/known-paths"
    paths "$work/wanted" | sort > "$work/wanted-paths"
    comm -23 "$work/known-paths" "$work/wanted-paths" > "$work/gone"
    paths "$work/changed" > "$work/changed-paths"

    (cd "$sources" && xargs -d '\n' -r rm -rf -- < "$work/gone")
    # A folder without a Cargo.toml that a workspace's pattern matches is an error of cargo's.
    sed -n 's,/[^/]*$,,p' "$work/gone" | sort -ru | (cd "$sources" && xargs -d '\n' -r rmdir -p --ignore-fail-on-non-empty -- 2> "$work/ignored") || true

    # The row of a file that is about to change must not outlive a kill.
    comm -12 "$work/known" "$work/wanted" > "$known.new"
    mv "$known.new" "$known"
    # What cannot be read is found by the check of the digests.
    tar --create --dereference --no-recursion --verbatim-files-from --mode=u=rwX,go=rX --owner=0 --group=0 \
        --directory="$context" --files-from="$work/changed-paths" 2> "$work/ignored" \
        | tar --extract --touch --directory="$sources"
    if [ -d "$support/contents" ]; then
        copy_contents
    fi
    check
    if [ "$is_first" = no ]; then
        renew_packages
    fi
    cp "$work/wanted" "$known.new"
    mv "$known.new" "$known"
}

# Files that the context cannot bring, or brings in an old state, lie there under their digest.
copy_contents() {
    ls "$support/contents" > "$work/contents"
    awk 'FNR == NR && FILENAME == ARGV[1] { there[$1]; next } $1 in there' \
        "$work/contents" "$work/changed" > "$work/from-contents"
    while IFS= read -r row; do
        digest=$(printf %s "$row" | cut -c -64)
        mode=$(printf %s "$row" | cut -c 66)
        path=$(printf %s "$row" | cut -c 68-)
        mkdir -p "$sources/$(dirname -- "$path")"
        rm -rf -- "${sources:?}/$path"
        cp -- "$support/contents/$digest" "$sources/$path"
        case $mode in x) chmod 755 "$sources/$path" ;; *) chmod 644 "$sources/$path" ;; esac
    done < "$work/from-contents"
}

# BuildKit takes a file of unchanged size and time for unchanged, and hands on an old one.
check() {
    [ -s "$work/changed" ] || return 0
    sed 's/^\(.\{64\}\) ./\1 /' "$work/changed" > "$work/digests"
    if ! (cd "$sources" && sha256sum --check --quiet --strict "$work/digests" > "$work/wrong" 2> "$work/ignored"); then
        sed -n 's/^\(.*\): FAILED.*$/rustdocker: not as listed: \1/p' "$work/wrong" >&2
        exit 75
    fi
}

# Cargo does not see what procedural macros read: a changed file that is not Rust renews its package,
# and one of the workspace's own folder all packages.
renew_packages() {
    cat "$work/changed-paths" "$work/gone" | grep -v -e '\.rs$' -e '^Cargo\.lock$' > "$work/others" || true
    [ -s "$work/others" ] || return 0
    grep '\(^\|/\)Cargo\.toml$' "$work/wanted-paths" | sed -n 's,/Cargo\.toml$,,p' > "$work/packages" || true
    awk 'FNR == NR && FILENAME == ARGV[1] { package[$0]; next }
         { folder = $0; while (folder != "" && !(folder in package)) if (!sub("/[^/]*$", "", folder)) folder = ""
           print folder == "" ? "." : folder }' "$work/packages" "$work/others" | sort -u > "$work/renewed"
    while read -r package; do
        find "$sources/$package" -name '*.rs' ! -name build.rs -exec touch {} +
    done < "$work/renewed"
}

trust() {
    bundle=/run/secrets/ca-bundle
    if [ -s "$bundle" ]; then
        export CARGO_HTTP_CAINFO=$bundle SSL_CERT_FILE=$bundle GIT_SSL_CAINFO=$bundle CURL_CA_BUNDLE=$bundle
    fi
}

require_musl() {
    triple=$(uname -m)-unknown-linux-musl
    if ! [ -d "$(rustc --print=target-libdir --target="$triple")" ]; then
        say "adding the target $triple"
        rustup target add "$triple" >&2
    fi
    if ! command -v musl-gcc > /dev/null && grep -q '^name = "cc"$' Cargo.lock; then
        say "installing musl-tools, since a crate compiles C"
        apt-get update --quiet=2 >&2
        apt-get install --quiet=2 --yes --no-install-recommends musl-tools >&2
    fi
    echo "--target=$triple"
}

update_mirror
trust
export CARGO_TARGET_DIR="$target"
cd "$sources"
if [ "$libc" = musl ]; then
    set -- "$@" "$(require_musl)"
fi
say "cargo starts"
if ! cargo build --release "--bin=$binary" --message-format=json-render-diagnostics "$@" > "$work/messages"; then
    say "cargo failed"
    exit 66
fi
say "cargo is done"
# Of the artefacts of one binary only the binary is executable; a build script's is not named.
program=$(sed -n 's/.*"reason":"compiler-artifact".*"executable":"\([^"]*\)".*/\1/p' "$work/messages" | tail -n 1)
install -D "$program" /rustdocker/program
