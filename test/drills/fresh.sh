#!/bin/bash
# Follows docs/installing.md word for word on a Debian 12 that it makes for that, up to a running unit under that Debian's own
# systemd; with an argument it runs that command in the clone, too, for example `npm run fresh -- npm run demo`. Takes a few
# minutes and the network; needs debootstrap. Everything is in a folder of its own, which goes in the end. With FRESH_NODE=20 that
# Debian has this major version of Node.js, and the end is the command: a clone builds and tests itself with the Node.js that
# its packages bring, while an installation needs a newer one.
set -euo pipefail
cd "$(dirname "$0")/../.."
repository=$PWD

command -v debootstrap >/dev/null || { echo 'fresh: please install debootstrap' >&2; exit 1; }
if [ "${1:-}" != inside ]; then
    # Mounts go with this namespace, however it ends.
    work=$(mktemp -d /var/tmp/tanist-fresh-XXXXXX)
    trap 'rm -rf "$work"' EXIT
    unshare --mount --propagation private -- "$0" inside "$work" "$@"
    exit
fi
work=$2
shift 2
root=$work/root

# The indented blocks of a step.
step() {
    awk -v title="$1" '/^## /{ here = index($0, "## " title) == 1 } here && /^    /{ print substr($0, 5) }' docs/installing.md
}

run() {
    echo "fresh: $1"
    chroot "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
        DEBIAN_FRONTEND=noninteractive bash -exc "cd /root/tanist && $2"
}

debootstrap --variant=minbase --include=systemd,systemd-sysv bookworm "$root" >"$work/debootstrap.log"
# Where this machine has certificates of its own for what it reaches the network by.
[ ! -d /usr/local/share/ca-certificates ] || cp -r /usr/local/share/ca-certificates "$root/usr/local/share/"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# The sources of packages as an installation has them, security updates among them, where this machine is a Debian 12, too.
if grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release; then
    cp -r /etc/apt/sources.list* "$root/etc/apt/"
fi
git clone --quiet "$repository" "$root/root/tanist"

# As a machine has them; `ip netns` wants a root that is a mount.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc" && mount -t sysfs sysfs "$root/sys" && mount -t bpf bpf "$root/sys/fs/bpf"
mount --bind /dev "$root/dev" && mount -t tmpfs tmpfs "$root/run" && mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod +x "$root/usr/sbin/policy-rc.d"
first=$(step 1.)
[ -z "${FRESH_NODE:-}" ] || first=${first/node@24/node@$FRESH_NODE}
run 'step 1' "$first"
run 'step 2' "$(step 2.)"
[ -n "${FRESH_NODE:-}" ] || run 'step 3' "$(step 3.)"
[ $# = 0 ] || run "$*" "$*"
[ -z "${FRESH_NODE:-}" ] || exit 0
rm "$root/usr/sbin/policy-rc.d"
# With what a command has mounted there.
umount --recursive "$root"/{sys,proc,dev,run,tmp}

echo 'fresh: step 4, under its systemd'
mkdir "$work/lab"
printf '#!/bin/sh\nmkdir -p "$1/root"\n' >"$work/prepare" && chmod +x "$work/prepare"
coproc LAB { TANIST_LAB_LOWER=$root test/support/systemd-lab.sh "$work/lab" "$work/prepare" 2>"$work/lab.log"; }
read -r process <&"${LAB[0]}" || { cat "$work/lab.log" >&2; exit 1; }
trap 'kill -9 "$process"' EXIT # and with it all of the lab
enter() { nsenter --target "$process" --all --root --wd -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
for _ in $(seq 100); do
    enter systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && break
    sleep 0.1
done
# The interfaces of the example that step 3 puts in place, by this machine's ip.
nsenter --target "$process" --net -- bash -ec 'for i in 0 1; do ip link add eth$i type veth peer name peer$i; ip link set eth$i up; ip link set peer$i up; done
    ip address add 172.18.100.1/16 dev eth0; ip address add 192.168.10.1/24 dev eth1'
enter bash -exc "$(step 4.)"
enter systemctl is-active tanist tanist-ipvsadm
echo 'fresh: everything held'
