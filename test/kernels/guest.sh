#!/bin/sh
# What the virtual machine does: runs the command that was left in /run/task, leaves its exit status there, and ends.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mkdir -p /dev/pts /dev/shm /lib/modules
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup /sys/fs/cgroup
rm -rf "/lib/modules/$(uname -r)"
ln -s "$(cat /run/task/modules)" "/lib/modules/$(uname -r)"
ip link set lo up
ulimit -l unlimited
cd "$(cat /run/task/folder)" || exit
PATH=$PWD/node_modules/.bin:$PATH sh /run/task/command
echo $? >/run/task/status
sync
echo o >/proc/sysrq-trigger
while :; do :; done # no program can be read any more
