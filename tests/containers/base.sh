#!/usr/bin/env bash
# Makes an archive of what debian:bookworm-slim consists of, and prints its path. Needs root, and mmdebstrap.
#
# There is no registry of images in the tests. The packages come from where the machine's apt gets its own. The archive is
# kept for a month in ${XDG_CACHE_HOME:-~/.cache}/haulage.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/haulage
archive=$cache/debian-bookworm-slim-$(date +%Y-%m).tar
[[ -e $archive ]] && exec echo "$archive"

mkdir -p "$cache"
new=$(mktemp "$cache/debian.XXXXXX.tar")
trap 'rm -f "$new"' EXIT
sources=$(apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
  grep -E ' bookworm(-updates|-security)? main$' | sort -u)
[[ -n $sources ]] || { echo "apt knows no packages of Debian bookworm: run apt-get update" >&2; exit 1; }
# As the published image: no documentation, no perl, and nothing that apt has downloaded stays in a layer.
mmdebstrap --quiet --variant=apt --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --include=usr-is-merged \
  --customize-hook='chroot "$1" apt-get purge --quiet=2 --yes --autoremove usrmerge perl perl-modules-5.36 libperl5.36 >/dev/null' \
  --customize-hook='rm -f "$1"/var/cache/apt/*.bin
    echo "Dir::Cache::pkgcache \"\"; Dir::Cache::srcpkgcache \"\";
      DPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb\"; };" >"$1/etc/apt/apt.conf.d/docker-clean"' \
  bookworm "$new" "$sources" >&2
mv "$new" "$archive" # atomic, so that two at once do no harm
echo "$archive"
