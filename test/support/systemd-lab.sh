#!/bin/bash
# Boots this machine's own systemd as process 1 of namespaces of its own, on an overlay over /, so that units can be tested
# under a live systemd where none runs, and nothing of the machine is changed.
#
#   systemd-lab.sh DIRECTORY PREPARE
#
# DIRECTORY is empty and gets the overlay; PREPARE is run with the new root as its argument, before the boot. Prints the
# number of process 1 as the machine sees it. All of it ends with this process, however that ends. TANIST_LAB_LOWER names
# another system than that of /.
# What it does not have: udev, a network but lo, kernel modules.
set -euo pipefail

readonly group_prefix=tanist-systemd-lab

# Groups of labs whose owner has been killed.
remove_stale_groups() {
    local group owner
    for group in "$1/$group_prefix"-*; do
        owner=${group##*-}
        [ -d "$group" ] && [ ! -e "/proc/$owner" ] && remove_group "$group"
    done
    return 0
}

# The processes of a group go after their namespace; it can be removed when they are gone.
remove_group() {
    for _ in $(seq 50); do
        find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
        [ -d "$1" ] || return 0
        sleep 0.1
    done
}

# Mount namespace and control group, kept by this process until systemd has ended.
outside() {
    local directory=$1 prepare=$2 groups group
    mount -t tmpfs tmpfs "$directory"
    groups=$directory/cgroup
    mkdir "$groups" && mount -t cgroup2 cgroup2 "$groups"
    remove_stale_groups "$groups"
    group=$groups/$group_prefix-$$
    mkdir "$group" && echo $$ >"$group/cgroup.procs"
    setpriv --pdeathsig KILL unshare --mount --propagation private --cgroup --pid --fork --kill-child --net --uts --ipc -- \
        "$0" "$directory" "$prepare" inside || true
    echo $$ >"$groups/cgroup.procs"
    remove_group "$group"
}

inside() {
    local directory=$1 prepare=$2 root=$1/root node major minor unit outer_pid
    export container=lxc PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    read -r outer_pid _ </proc/self/stat # the machine's /proc is still mounted
    mkdir "$directory"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=${TANIST_LAB_LOWER:-/},upperdir=$directory/upper,workdir=$directory/work" "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t bpf bpf "$root/sys/fs/bpf"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for node in null zero full random urandom tty; do
        read -r major minor < <(stat -c '%t %T' "/dev/$node")
        mknod -m 666 "$root/dev/$node" c $((16#$major)) $((16#$minor))
    done
    ln -s /proc/self/fd "$root/dev/fd"
    mkdir "$root"/dev/{shm,pts,mqueue}
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts" && ln -s pts/ptmx "$root/dev/ptmx"
    mount -t mqueue mqueue "$root/dev/mqueue"
    # Nothing of the machine's own starts but what a unit needs: journal and temporary files.
    rm -rf "$root"/etc/systemd/system/*.wants "$root/etc/fstab"
    for unit in systemd-{sysctl,modules-load,random-seed,binfmt,udev-trigger,udevd,remount-fs,pstore,firstboot} kmod-static-nodes; do
        ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
    done
    "$prepare" "$root" >&2
    ip link set lo up
    mkdir "$root/oldroot"
    pivot_root "$root" "$root/oldroot"
    cd /
    umount -l /oldroot
    echo "$outer_pid"
    exec /lib/systemd/systemd --unit=basic.target --log-target=journal
}

case ${3:-} in
'') exec unshare --mount --propagation private -- "$0" "$1" "$2" outside ;;
outside) outside "$1" "$2" ;;
inside) inside "$1" "$2" ;;
esac
