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

# Where the image's loader looks for libraries, below OUT or RUNTIME: in the usual folders, and in those that the base's
# configuration names. What was added is in no cache of the base's loader, which is all that its configuration makes.
folders_in() {
    named=
    [ "$1" = "$out" ] || named=$(sed -n '/^\//p' "$1"/etc/ld.so.conf.d/*.conf 2> /dev/null || true)
    for folder in $named /lib/*-linux-gnu* /usr/lib/*-linux-gnu* /lib64 /usr/lib64 /lib /usr/lib; do
        [ ! -d "$1$folder" ] || echo "$1$folder"
    done
}

# Other systems, and Debian before it merged /usr, have their libraries elsewhere.
is_in_base() {
    [ ! -e "$runtime$1" ] || return 0
    for folder in $(folders_in "$runtime"); do
        [ ! -e "$folder/$(basename "$1")" ] || return 0
    done
    return 1
}

add_libraries() {
    interpreter=$(readelf --program-headers "$program" | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
    [ -n "$interpreter" ] || return 0
    LD_TRACE_LOADED_OBJECTS=1 "$interpreter" "$program" > /rustdocker/libraries
    missing=$(sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' /rustdocker/libraries | tr '\n' ' ')
    [ -z "$missing" ] || fail "no library: $missing"
    sed -n 's/^.* => \(\/.*\) (0x[0-9a-f]*)$/\1/p' /rustdocker/libraries > /rustdocker/found
    [ -n "$runtime" ] || echo "$interpreter" >> /rustdocker/found
    while read -r library; do
        place=$(realpath "$(dirname "$library")")/$(basename "$library")
        if [ -z "$runtime" ] || ! is_in_base "$place"; then
            [ "$library" != "$interpreter" ] || place=$interpreter
            install -D "$library" "$out$place"
            record_package "$library" "$(realpath "$library")"
        fi
    done < /rustdocker/found
}

# What scanners and licences want to know of a library: its package, in the way of distroless images.
record_package() {
    command -v dpkg-query > /dev/null || return 0
    package=$(dpkg-query --search "$@" 2> /dev/null | sed -n '/^diversion /d; s/: \/.*//p' | head -n 1)
    [ -n "$package" ] || return 0
    owner=${package%%:*}
    [ -z "$runtime" ] || say "the image gets $(basename "$1") of $owner $(dpkg-query --show --showformat='${Version}' "$package")"
    mkdir -p "$out/var/lib/dpkg/status.d"
    dpkg-query --status "$package" > "$out/var/lib/dpkg/status.d/$owner"
    # What the base has of it, perhaps as a link, is no matter of ours.
    if [ -e "/usr/share/doc/$owner/copyright" ] && ! [ -L "$runtime/usr/share/doc/$owner" ]; then
        install -D --mode=644 "/usr/share/doc/$owner/copyright" "$out/usr/share/doc/$owner/copyright"
    fi
}

# Ask the loader that the image has whether it would start the program: it sees what is not there and what is too old.
check_start() {
    loader=$out$interpreter
    if ! [ -e "$loader" ]; then
        # A link to another place is one inside of the image.
        linked=$(readlink "$runtime$interpreter" || true)
        case $linked in /*) loader=$runtime$linked ;; *) loader=$runtime$interpreter ;; esac
    fi
    [ -e "$loader" ] || fail "no loader: $interpreter"
    path=$({ folders_in "$out"; [ -z "$runtime" ] || folders_in "$runtime"; } | paste -s -d :)
    "$loader" --inhibit-cache --library-path "$path" --list "$program" > /rustdocker/start 2>&1 || true
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
elif [ -n "$out" ]; then
    add_libraries
    [ -z "$interpreter" ] || check_start
fi
install -D "$program" "$out/usr/local/bin/$name"
if [ -n "$out" ]; then
    chmod -R u=rwX,go=rX "$out"
    find "$out" -exec touch --no-dereference --date=@0 {} +
fi
