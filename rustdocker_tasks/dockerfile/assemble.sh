#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Put the program and the libraries that it loads into a finished tree: all parents, fixed times, numeric owners.
#
#   assemble.sh OUT RUNTIME NAME LINKAGE PROGRAM
#
# OUT is the tree's place, / for this very image. RUNTIME is where the base image's files lie, an empty word where
# there is none. LINKAGE is `dynamic` or `static`. PROGRAM is where cargo left it. RUSTDOCKER_LIBRARIES may name, with colons
# between them, the places of libraries that come into the image in another way.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2 name=$3 linkage=$4 program=$5

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

# The libraries that a loader's list has not, but for those that come in another way.
not_found() {
    sed -n 's/^[[:space:]]*\(.*\) => not found$/\1/p' "$1" | while IFS= read -r lacking; do
        case ":${RUSTDOCKER_LIBRARIES:-}:" in
            *"/$lacking:"*) say "$lacking is taken to lie where the program looks for it: it is one of \`assets\`" ;;
            *) printf '%s ' "$lacking" ;;
        esac
    done
}

# A library that the program finds by its own place has the same way from its place in the image.
place_of_own() {
    searched=$(readelf --dynamic "$program" | sed -n 's/.*R\(UN\)\?PATH.*\[\(.*\)\]$/\2/p')
    case ":$searched:" in
        *":${1%/*}:"*) ;;
        *'$ORIGIN'* | *'${ORIGIN}'*)
            case $1 in "${program%/*}"/*) realpath --canonicalize-missing "/usr/local/bin/${1#"${program%/*}"/}" && return ;; esac
            ;;
    esac
    echo "$1"
}

# A library of the build image's system goes where the image's loader looks, another one where the program names it.
add_libraries() {
    LD_TRACE_LOADED_OBJECTS=1 "$interpreter" "$program" > /rustdocker/libraries
    missing=$(not_found /rustdocker/libraries)
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
            place=$(place_of_own "$library")
        fi
        # Another program of the image may have brought it.
        if ! is_in_base "$file" "$place" && [ ! -e "$out$place" ]; then
            install -D "$library" "$out$place"
            record_package "$library" "$(realpath "$library")" "$place"
        fi
    done < /rustdocker/found
}

# By these glibc before 2.34 resolves names, and no list has them; its own file is called by its version.
add_name_services() {
    c_library=$(grep -m 1 '/libc\.so' /rustdocker/found) || return 0
    case $(realpath "$c_library") in */libc-2.*.so) ;; *) return 0 ;; esac
    for service in libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; do
        library=${c_library%/*}/$service
        if [ -e "$library" ] && [ ! -e "$out$first/$service" ]; then
            install -D "$library" "$out$first/$service"
            record_package "$library" "$(realpath "$library")" "$first/$service"
        fi
    done
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
    # What `--list` ends at is a line of the list with the variable.
    if [ -n "${RUSTDOCKER_LIBRARIES:-}" ]; then
        LD_TRACE_LOADED_OBJECTS=1 "$loader" --inhibit-cache --library-path "$path" "$out/usr/local/bin/$name"
    else
        "$loader" --inhibit-cache --library-path "$path" --list "$out/usr/local/bin/$name"
    fi > /rustdocker/start 2>&1 || true
    old=$(sed -n "s/.*\/\(.*\): version .\(.*\)' not found (required by .*/\2 of \1/p" /rustdocker/start | sort -u | paste -s -d , | sed 's/,/, /g')
    [ -z "$old" ] || fail "older library: $old"
    absent=$(not_found /rustdocker/start 2> /dev/null)
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
        [ -n "$runtime" ] || add_name_services
        name_system
        check_start
    fi
fi
if [ -n "$out" ]; then
    chmod -R u=rwX,go=rX "$out"
    find "$out" -exec touch --no-dereference --date=@0 {} +
fi
