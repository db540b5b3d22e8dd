#!/bin/busybox sh
# Process 1 of the virtual machine, from its initramfs: this machine's files, seen through a layer that is thrown away.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module"; done </modules/order
mkdir -p /host /layer /root
mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=512000,cache=loose host /host
mount -t tmpfs -o size=75% layer /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root
for folder in proc sys dev; do mount --move "/$folder" "/root/$folder"; done
mkdir -p /root/run/task
mount -t tmpfs run /root/run
mkdir /root/run/task
mount -t 9p -o trans=virtio,version=9p2000.L task /root/run/task
exec switch_root /root /bin/sh /run/task/guest.sh
