#!/bin/sh
# Prepares a real server for direct routing, and undoes it: the virtual IP sits on the loopback interface, and the server
# neither answers ARP for it (arp_ignore 1) nor announces it (arp_announce 2), so that only the director is found.
# The restrictions come before the address, or the server would be heard with it for a moment. IPv6 needs none of them: a
# neighbour solicitation is answered only for an address of the interface that it comes in by.
#
#   real-server-dr.sh start 172.18.100.7
#   real-server-dr.sh stop 172.18.100.7
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 start|stop VIRTUAL-IP" >&2
    exit 2
fi
vip=$2
case $vip in
*:*) family=6 length=128 ;;
*) family=4 length=32 ;;
esac

arp() {
    [ $family = 4 ] || return 0
    for interface in all lo; do
        echo "$1" >"/proc/sys/net/ipv4/conf/$interface/arp_ignore"
        echo "$2" >"/proc/sys/net/ipv4/conf/$interface/arp_announce"
    done
}

case $1 in
start)
    arp 1 2
    ip address replace "$vip/$length" dev lo
    ;;
stop)
    ip address delete "$vip/$length" dev lo
    arp 0 0
    ;;
*)
    echo "usage: $0 start|stop VIRTUAL-IP" >&2
    exit 2
    ;;
esac
