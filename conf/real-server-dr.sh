#!/bin/sh
# Prepares a real server for direct routing, and undoes it: the virtual IP sits on the loopback interface, and the server
# neither answers ARP for it (arp_ignore 1) nor announces it (arp_announce 2), so that only the director is found.
# The restrictions come before the address, or the server would be heard with it for a moment.
#
#   real-server-dr.sh start 172.18.100.7
#   real-server-dr.sh stop 172.18.100.7
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 start|stop VIRTUAL-IP" >&2
    exit 2
fi
vip=$2

arp() {
    for interface in all lo; do
        echo "$1" >"/proc/sys/net/ipv4/conf/$interface/arp_ignore"
        echo "$2" >"/proc/sys/net/ipv4/conf/$interface/arp_announce"
    done
}

case $1 in
start)
    arp 1 2
    ip address replace "$vip/32" dev lo
    ;;
stop)
    ip address delete "$vip/32" dev lo
    arp 0 0
    ;;
*)
    echo "usage: $0 start|stop VIRTUAL-IP" >&2
    exit 2
    ;;
esac
