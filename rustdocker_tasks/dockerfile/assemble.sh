#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Put the program and the libraries that it loads into a finished tree: all parents, fixed times, numeric owners.
#
#   assemble.sh OUT RUNTIME NAME LINKAGE
#
# OUT is the tree's place, / for this very image. RUNTIME is where the base image's files lie, an empty word where
# there is none. LINKAGE is `dynamic` or `static`.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2 name=$3 linkage=$4
program=/rustdocker/program

fail() { echo "rustdocker: $*" >&2; exit 67; }

add_libraries() {
    interpreter=$(readelf --program-headers "$program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    [ -n "$interpreter" ] || return 0
    LD_TRACE_LOADED_OBJECTS=1 "$interpreter" "$program" > /rustdocker/libraries
    missing=$(sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' /rustdocker/libraries | tr '\n' ' ')
    [ -z "$missing" ] || fail "the program needs shared libraries that the build stage lacks: $missing"
    sed -n 's/^.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p' /rustdocker/libraries | while read -r library; do
        place=$(realpath "$(dirname "$library")")/$(basename "$library")
        if ! [ -e "$runtime$place" ] || [ -z "$runtime" ]; then
            install -D "$library" "$out$place"
        fi
    done
    if [ -z "$runtime" ]; then
        install -D "$interpreter" "$out$interpreter"
    fi
}

# The program may ask for versions of libc's symbols that the base's libc does not have.
check_libc() {
    libc=$(find "$runtime/usr/lib" "$runtime/lib" -name libc.so.6 2> /dev/null | head -n 1)
    [ -n "$libc" ] || return 0
    readelf --version-info --wide "$libc" | grep -o 'GLIBC_[0-9.]*' | sort -u > /rustdocker/provided
    readelf --version-info --wide "$program" | grep -o 'GLIBC_[0-9.]*' | sort -u > /rustdocker/needed || true
    lacking=$(comm -13 /rustdocker/provided /rustdocker/needed | tr '\n' ' ')
    [ -z "$lacking" ] || fail "the program needs a newer libc than the runtime image has: $lacking"
}

if [ "$linkage" = static ]; then
    if readelf --program-headers --dynamic "$program" | grep -q -e 'program interpreter' -e '(NEEDED)'; then
        fail "the program is not fully static: $(readelf --dynamic "$program" | sed -n 's/.*Shared library: //p' | tr '\n' ' ')"
    fi
elif [ -n "$out" ]; then
    add_libraries
    [ -z "$runtime" ] || check_libc
fi
install -D "$program" "$out/usr/local/bin/$name"
if [ -n "$out" ]; then
    chmod -R u=rwX,go=rX "$out"
    find "$out" -exec touch --no-dereference --date=@0 {} +
fi
