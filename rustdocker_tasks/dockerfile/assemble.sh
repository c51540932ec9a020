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
say() { echo "rustdocker says: $*" >&2; }

# The folders that a loader searches by itself; one older than glibc 2.33 does not tell.
system_folders() {
    told=$("$1" --help 2> /dev/null | sed -n 's/^ *\(\/[^ ]*\) (system search path)$/\1/p' | sed 's/\/$//')
    if [ -n "$told" ]; then
        echo "$told"
    else
        printf '%s\n' /lib/*-linux-gnu* /usr/lib/*-linux-gnu* /lib64 /usr/lib64 /lib /usr/lib
    fi
}

# Those that its configuration names, as far as they are in the cache that it reads.
cached_folders() {
    command -v ldconfig > /dev/null || return 0
    ldconfig -p -C "$1/etc/ld.so.cache" 2> /dev/null | sed -n 's/.* => \(\/.*\)\/[^/]*$/\1/p' | sort -u
}

# The loader of the image: the base's, or the one that comes along.
find_loader() {
    loader=$interpreter
    [ -n "$runtime" ] || return 0
    # A link to another place is one inside of the image.
    linked=$(readlink "$runtime$interpreter" || true)
    case $linked in /*) loader=$runtime$linked ;; *) loader=$runtime$interpreter ;; esac
    [ -e "$loader" ] || fail "no loader: $interpreter"
}

is_in_base() {
    [ -n "$runtime" ] || return 1
    [ ! -e "$runtime$2" ] || return 0
    while read -r folder; do
        [ ! -e "$runtime$folder/$1" ] || return 0
    done < /rustdocker/searched
    return 1
}

# A library of the build image's system goes where the image's loader looks, another one where the program names it.
add_libraries() {
    LD_TRACE_LOADED_OBJECTS=1 "$interpreter" "$program" > /rustdocker/libraries
    missing=$(sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' /rustdocker/libraries | tr '\n' ' ')
    [ -z "$missing" ] || fail "no library: $missing"
    sed -n 's/^.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p' /rustdocker/libraries > /rustdocker/found
    [ -n "$runtime" ] || echo "$interpreter" >> /rustdocker/found
    { system_folders "$interpreter"; cached_folders ""; } \
        | xargs -r -d '\n' realpath --canonicalize-missing | sort -u > /rustdocker/system
    system_folders "$loader" > /rustdocker/own
    { cat /rustdocker/own; [ -z "$runtime" ] || cached_folders "$runtime"; } > /rustdocker/searched
    # Below /usr: in most bases /lib is a link into it, and a copy must not put a folder in its place.
    first=$(grep -m 1 '^/usr/' /rustdocker/own) || fail "would not start: its loader searches no folder below /usr"
    while read -r library; do
        file=${library##*/}
        if [ "$file" = "${interpreter##*/}" ]; then
            place=$interpreter
        elif grep -qxF "$(realpath "${library%/*}/")" /rustdocker/system; then
            place=$first/$file
        else
            place=$library
        fi
        # Another program of the image may have brought it.
        if ! is_in_base "$file" "$place" && [ ! -e "$out$place" ]; then
            install -D "$library" "$out$place"
            record_package "$library" "$(realpath "$library")" "$place"
        fi
    done < /rustdocker/found
}

# What scanners and licences want to know of a library: its package, in the way of distroless images.
#
#   record_package LIBRARY FILE PLACE
record_package() {
    command -v dpkg-query > /dev/null || return 0
    package=$(dpkg-query --search "$1" "$2" 2> /dev/null | sed -n '/^diversion /d; s/[,:] .*//p' | head -n 1)
    [ -n "$package" ] || return 0
    owner=${package%%:*}
    [ -z "$runtime" ] || say "the image gets $(basename "$1") of $owner $(dpkg-query --show --showformat='${Version}' "$package")"
    mkdir -p "$out/var/lib/dpkg/status.d"
    dpkg-query --status "$package" > "$out/var/lib/dpkg/status.d/$owner"
    echo "$(md5sum < "$2" | cut -d ' ' -f 1)  ${3#/}" >> "$out/var/lib/dpkg/status.d/$owner.md5sums"
    # What the base has of it, perhaps as a link, is no matter of ours.
    if [ -e "/usr/share/doc/$owner/copyright" ] && ! [ -L "$runtime/usr/share/doc/$owner" ]; then
        install -D --mode=644 "/usr/share/doc/$owner/copyright" "$out/usr/share/doc/$owner/copyright"
    fi
}

# Scanners look up a package's faults by the system that it is of.
name_system() {
    [ -z "$runtime" ] && [ -d "$out/var/lib/dpkg/status.d" ] && [ -e /etc/os-release ] || return 0
    mkdir -p "$out/etc"
    cat /etc/os-release > "$out/etc/os-release"
}

# Ask the loader that the image has whether it would start the program: it sees what is not there and what is too old.
check_start() {
    path=$({ sed "s|^|$out|" /rustdocker/own; [ -z "$runtime" ] || sed "s|^|$runtime|" /rustdocker/searched; } | paste -s -d :)
    "$loader" --inhibit-cache --library-path "$path" --list "$out/usr/local/bin/$name" > /rustdocker/start 2>&1 || true
    old=$(sed -n "s/.*\/\(.*\): version .\(.*\)' not found (required by .*/\2 of \1/p" /rustdocker/start | sort -u | paste -s -d , | sed 's/,/, /g')
    [ -z "$old" ] || fail "older library: $old"
    absent=$(sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' /rustdocker/start | tr '\n' ' ')
    [ -z "$absent" ] || fail "not searched: $absent"
    grep -q " => " /rustdocker/start || fail "would not start: $(head -n 1 /rustdocker/start)"
}

if [ "$linkage" = static ]; then
    if readelf --program-headers --dynamic "$program" | grep -q -e 'program interpreter' -e '(NEEDED)'; then
        fail "not static: $(readelf --dynamic "$program" | sed -n 's/.*Shared library: \[\(.*\)\]/\1/p' | tr '\n' ' ')"
    fi
fi
install -D "$program" "$out/usr/local/bin/$name"
if [ "$linkage" = dynamic ] && [ -n "$out" ]; then
    interpreter=$(readelf --program-headers "$program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    if [ -n "$interpreter" ]; then
        find_loader
        add_libraries
        name_system
        check_start
    fi
fi
if [ -n "$out" ]; then
    chmod -R u=rwX,go=rX "$out"
    find "$out" -exec touch --no-dereference --date=@0 {} +
fi
