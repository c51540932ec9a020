#!/bin/sh
# Made by rustdocker-tasks: `invoke dockerfile` writes it anew.
#
# Put packages of Debian, and what they depend on and the base image lacks, into a finished tree: for libraries that a program
# loads by name, and for programs that it starts.
#
#   packages.sh OUT RUNTIME PACKAGE...
#
# OUT is the tree's place, / for this very image, where they are installed. RUNTIME is where the base image's files lie,
# an empty word where there is none. No script of a package is run but there. Beside this script lie /cargo and /fit.
set -eu
export LC_ALL=C

out=${1%/} runtime=$2
shift 2
. /cargo

packages=$*
trust
command -v apt-get > /dev/null || { mark "unusable: no apt-get to get $packages with"; exit 66; }
say "getting $packages for the image"
if [ -z "$out" ]; then
    get_packages "$packages" "$@"
    exit
fi

work=$(mktemp -d)
chmod 755 "$work"
status=$runtime/var/lib/dpkg/status
if [ -z "$runtime" ] || ! [ -f "$status" ]; then
    status=$work/status
    : > "$status"
    # Distroless images have a file for each package.
    for record in "$runtime"/var/lib/dpkg/status.d/*; do
        [ -n "$runtime" ] && grep -q '^Package:' "$record" 2> /dev/null || continue
        { grep -v -e '^Status:' -e '^$' "$record"; printf 'Status: install ok installed\n\n'; } >> "$status"
    done
fi
mkdir -p "$work/archives/partial" "$work/tree"
# As if what the base has were all that is installed.
get_packages "$packages" --download-only -o Dir::State::status="$status" \
    -o Dir::Cache::archives="$work/archives" -o APT::Sandbox::User=root "$@"
codename() { sed -n 's/^VERSION_CODENAME=//p' "$1/etc/os-release" 2> /dev/null | tr -d '"'; }
if [ -n "$runtime" ] && [ -n "$(ls "$work"/archives/*.deb 2> /dev/null)" ] && [ "$(codename "$runtime")" != "$(codename "")" ]; then
    mark "other release: $(codename ""), and the base is of $(codename "$runtime")"
    exit 67
fi
for archive in "$work"/archives/*.deb; do
    [ -e "$archive" ] || continue
    name=$(dpkg-deb --field "$archive" Package)
    dpkg-deb --extract "$archive" "$work/tree"
    mkdir -p "$out/var/lib/dpkg/status.d"
    dpkg-deb --field "$archive" > "$out/var/lib/dpkg/status.d/$name"
    # Not all packages have digests of their files.
    digests=$out/var/lib/dpkg/status.d/$name.md5sums
    dpkg-deb --ctrl-tarfile "$archive" | tar --extract --to-stdout ./md5sums > "$digests" 2> /dev/null || true
    [ -s "$digests" ] || rm "$digests"
done
cd "$work/tree"
rm -rf usr/share/man usr/share/info usr/share/locale usr/share/lintian usr/share/bug
[ ! -d usr/share/doc ] || find usr/share/doc -mindepth 2 ! -name copyright ! -type d -delete
# A folder that is a link would end a copy of the same folder from elsewhere.
find usr/share/doc -maxdepth 1 -type l 2> /dev/null | while read -r link; do
    copyright=$(realpath --canonicalize-missing "$link")/copyright
    rm "$link"
    [ ! -e "$copyright" ] || install -D --mode=644 "$copyright" "$link/copyright"
done
# In a base of today these are links into /usr, and a copy must not put folders in their place.
for folder in bin sbin lib; do
    if [ -d "$folder" ]; then
        mkdir -p "usr/$folder"
        cp -a "$folder/." "usr/$folder/"
        rm -rf "$folder"
    fi
done
# Programs ask for their loader by a name that is a link in a base, which is not there.
interpreter=$(readelf --program-headers /bin/sh | sed -n 's/.*program interpreter: \(.*\)\]/\1/p')
if [ -z "$runtime" ] && [ -n "$interpreter" ]; then
    own=$(find . -name "$(basename "$interpreter")" -type f | head -n 1)
    [ -z "$own" ] || { rm -f ".$interpreter"; install -D "$own" ".$interpreter"; }
fi
mkdir -p "$out/etc"
[ -n "$runtime" ] || ! [ -e /etc/os-release ] || cat /etc/os-release > "$out/etc/os-release"
cp -a . "$out/"
find "$out" -exec touch --no-dereference --date=@0 {} +
sh /fit "$out" "$runtime"
rm -rf "$work"
