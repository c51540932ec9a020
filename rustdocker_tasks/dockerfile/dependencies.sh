#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Compile what the program depends on, from a skeleton of its project, for a layer that holds until they change.
#
#   dependencies.sh SOURCES PROJECT TARGET CARGO_ARGUMENT...
#
# SOURCES, PROJECT and TARGET are those with which compile.sh goes on. Beside this script lie /cargo, what both share, and /skeleton.tar:
# the skeleton, the list of its files, the names of the packages in it that are stubs, and of those that are real, and the folders of
# those among these that can read no other file. /build-env
# may set variables that are no part of this layer's key: cargo, or mirror.sh, sees another value in compile.sh.
set -eu
export LC_ALL=C

[ ! -s /build-env ] || . /build-env
sources=$1 project=$2 target=$3
shift 3
. /cargo

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$sources" "$target/rustdocker"
tar --extract --touch --file=/skeleton.tar --directory="$work"
cp -R "$work/sources/." "$sources"
export CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=80
# One that lacks what is not here is no reason for the others to wait.
[ ! -s "$work/real" ] || keep_going=1
agent=${SSH_AUTH_SOCK:-} with_git=${CARGO_NET_GIT_FETCH_WITH_CLI:-}
run_cargo "$work/messages" "$target" "$sources/$project" build "$@"
# A package that is here as it is, such as one of [patch], may read files outside of its folder, which are not: the program's
# own step has them. That anything else failed is another matter, as this layer would stay: it may have been of a moment.
if [ "$code" != 0 ] && [ -s "$work/real" ]; then
    # A bar would stand before the words on their line.
    export CARGO_TERM_PROGRESS_WHEN=never CARGO_TERM_COLOR=never
    [ -z "$agent" ] || export SSH_AUTH_SOCK="$agent"
    [ -z "$with_git" ] || export CARGO_NET_GIT_FETCH_WITH_CLI="$with_git"
    run_cargo "$work/messages" "$target" "$sources/$project" build "$@" 2> "$work/errors"
    cat "$work/errors" >&2
    # shellcheck disable=SC2016 # cargo's own quotes
    sed -n 's/^error: could not compile `\([^`]*\)`.*/\1/p; s/^error: failed to run custom build command for `\([^` ]*\)[` ].*/\1/p' \
        "$work/errors" | sort -u > "$work/failed"
    if [ "$code" = 101 ] && [ -s "$work/failed" ] && [ -z "$(sort "$work/real" | comm -23 "$work/failed" -)" ]; then
        say "not all dependencies are compiled ahead: see the messages above of $(paste -s -d ' ' "$work/failed")"
        code=0
    fi
fi
require_success build "$code"

# What was made of stubs must never be taken for the program's own.
while IFS= read -r package; do
    find "$target" -maxdepth 5 -regextype posix-extended -regex ".*/(\.fingerprint/$package-|build/$package/)[0-9a-f]{16}" \
        -prune -exec rm -rf {} +
done < "$work/packages"
# Cargo unpacks them again, in a second, from the archives that stay.
rm -rf "$CARGO_HOME/registry/src"
for checkout in "$CARGO_HOME"/git/checkouts/*/*; do
    # Before 1.94 cargo downloads submodules again.
    [ -e "$checkout/.gitmodules" ] || rm -rf "$checkout"
done
cp "$work/list" "$target/rustdocker/sources"
[ ! -e "$work/whole" ] || cp "$work/whole" "$target/rustdocker/whole"
[ -z "${RUSTDOCKER_BUILD_ENV:-}" ] || echo "$RUSTDOCKER_BUILD_ENV" | tr ' ' '\n' | sort > "$target/rustdocker/environment"
