#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Put what the image holds besides base and program into a finished tree: certificates, time zones, users, folders.
#
#   files.sh OUT RUNTIME [own]
#
# With `own` the certificates are the user's, and nothing is added to them. OUT is the tree's place, / for this very image. RUNTIME is where the base image's files lie, an empty word where
# there is none. Beside this script lies /fit. /files.tar holds what is wanted, with modes, numeric owners and fixed times.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2 certificates=${3:-}
files=/files.tar
if ! find / -maxdepth 0 -printf '' 2> /dev/null; then
    echo "rustdocker: unusable: its find, tar and xargs are not those of GNU, as in images of Alpine" >&2
    exit 66
fi

# The base's own accounts stay; ours follow.
add_accounts() {
    for file in etc/passwd etc/group; do
        base=$runtime/$file
        [ -n "$runtime" ] || [ -z "$out" ] || base=/nowhere
        tar --extract --to-stdout --file="$files" "$file" > "$work/ours"
        if [ -f "$base" ]; then
            grep -v '^root:' "$work/ours" > "$work/more" || true
            awk -F: '!seen[$1]++' "$base" "$work/more" > "$work/all"
        else
            cp "$work/ours" "$work/all"
        fi
        cat "$work/all" > "$out/$file"
        chmod 644 "$out/$file"
    done
}

# What a base trusts besides, such as a company's own, its program trusts too.
add_certificates() {
    path=etc/ssl/certs/ca-certificates.crt
    [ "$certificates" != own ] && [ -n "$runtime" ] && [ -f "$runtime/$path" ] && [ ! -L "$runtime/$path" ] || return 0
    awk '{ sub(/\r$/, "") }
        /^-----BEGIN CERTIFICATE-----$/ { block = ""; inside = 1 }
        inside { block = block $0 "\n" }
        /^-----END CERTIFICATE-----$/ { inside = 0; if (!(block in seen) && FILENAME != ARGV[1]) printf "%s", block; seen[block] }' \
        "$out/$path" "$runtime/$path" > "$work/certificates"
    cat "$work/certificates" >> "$out/$path"
    touch --date=@0 "$out/$path"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/etc"
# The base has its own: where it stays, ours would take its place.
own_nsswitch=
[ -z "$runtime" ] || { [ ! -e "$runtime/etc/nsswitch.conf" ] && [ ! -L "$runtime/etc/nsswitch.conf" ]; } \
    || own_nsswitch=etc/nsswitch.conf
[ ! -f "$out/etc/nsswitch.conf" ] || own_nsswitch=etc/nsswitch.conf
unpack() {
    place=$1
    shift
    tar --extract --file="$files" --directory="$place/" --same-permissions --same-owner --numeric-owner --no-overwrite-dir "$@"
}
# A folder that is there stays as it is, but for one that is asked for, as a volume is: it has not the usual mode and owner.
unpack "$out" --anchored --exclude=etc/passwd --exclude=etc/group ${own_nsswitch:+--exclude="$own_nsswitch"}
mkdir "$work/as-wanted"
tar --list --quoting-style=literal --file="$files" | grep '/$' > "$work/folders" || true
unpack "$work/as-wanted" --no-recursion --verbatim-files-from --no-unquote --files-from="$work/folders"
(cd "$work/as-wanted" && find . -mindepth 1 -type d ! '(' -user 0 -group 0 -perm 755 ')') | while IFS= read -r folder; do
    chmod --reference="$work/as-wanted/$folder" "$out/$folder"
    chown --reference="$work/as-wanted/$folder" "$out/$folder"
done
add_accounts
add_certificates
if [ -n "$out" ]; then
    chmod 755 "$out" "$out/etc"
    touch --date=@0 "$out/etc/passwd" "$out/etc/group" "$out/etc" "$out"
fi
sh /fit "$out" "$runtime"
