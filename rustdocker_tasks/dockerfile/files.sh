#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Put what the image holds besides base and program into a finished tree: certificates, time zones, users, folders.
#
#   files.sh OUT RUNTIME
#
# OUT is the tree's place, / for this very image. RUNTIME is where the base image's files lie, an empty word where
# there is none. Beside this script lies /links. /files.tar holds what is wanted, with modes, numeric owners and fixed times.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2
files=/files.tar

# The base's own accounts stay; ours follow.
add_accounts() {
    for file in etc/passwd etc/group; do
        base=$runtime/$file
        [ -n "$runtime" ] || [ -z "$out" ] || base=/nowhere
        tar --extract --to-stdout --file="$files" "$file" > "$work/ours"
        if [ -f "$base" ]; then
            { cat "$base"; grep -v '^root:' "$work/ours" || true; } | awk -F: '!seen[$1]++' > "$work/all"
        else
            cp "$work/ours" "$work/all"
        fi
        cat "$work/all" > "$out/$file"
        chmod 644 "$out/$file"
    done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/etc"
# The base has its own: where it stays, ours would take its place.
own_nsswitch=
[ -z "$runtime" ] || own_nsswitch=etc/nsswitch.conf
[ ! -f "$out/etc/nsswitch.conf" ] || own_nsswitch=etc/nsswitch.conf
tar --extract --file="$files" --directory="$out/" --same-permissions --same-owner --numeric-owner \
    --no-overwrite-dir --exclude=etc/passwd --exclude=etc/group ${own_nsswitch:+--exclude="$own_nsswitch"}
add_accounts
if [ -n "$out" ]; then
    chmod 755 "$out" "$out/etc"
    touch --date=@0 "$out/etc/passwd" "$out/etc/group" "$out/etc" "$out"
fi
sh /links "$out" "$runtime"
