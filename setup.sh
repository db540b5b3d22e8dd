#!/usr/bin/env bash
# Prepares a Debian machine for Tanist's build, tests, demo and bench. Installs what is missing and nothing else. With the
# argument `build` only what building needs.
#
# The list: Debian package, a file or command that shows that it is there, and what it is for.
set -euo pipefail
cd "$(dirname "$0")"

packages='
clang        command:clang                              compiles the forwarding core to eBPF
libbpf-dev   file:/usr/include/bpf/bpf_helpers.h        headers of the forwarding core
libbpf1      library:libbpf.so.1                        loads the forwarding core at run time
bpftool      command:bpftool                            lists what the kernel has of the core, in tests
iproute2     command:ip                                 namespaces, links and addresses of the labs
util-linux   command:nsenter                            runs programs inside the labs
procps       command:sysctl                             forwarding and ARP settings inside the labs
psmisc       command:killall                            in scripts of the examples of keepalived, which looks for it
ethtool      command:ethtool                            makes links fill in their checksums, in tests of XDP
iputils-ping command:ping                               PING_CHECK
iputils-arping command:arping                           finds who answers for an address
curl         command:curl                               the client of demo and tests
nginx        command:nginx                              real servers; a proxy in the bench
libnginx-mod-stream file:/usr/lib/nginx/modules/ngx_stream_module.so   the proxy in the bench
keepalived   command:keepalived                         VRRP peer in the interop tests; judges configurations
tcpdump      command:tcpdump                            independent reader of our adverts
tshark       command:tshark                             judges every frame that we send
nftables     command:nft                                drops packets in tests; DNAT in the bench
iptables     command:iptables                           marks packets, as the lecture does, in tests
haproxy      command:haproxy                            a peer in the bench; what a pair of directors watches in tests
postgresql   file:/usr/lib/postgresql                   a database that a pair of directors watches and promotes in tests
openssl      command:openssl                            certificates of servers in tests
iperf3       command:iperf3                             bulk TCP in the bench
wrk          command:wrk                                HTTP load in the bench
exim4-daemon-light command:exim4                        a real mail server, in tests of mail
nsd          command:nsd                                a real name server, in tests of DNS_CHECK
redis-server command:redis-server                       a real Redis, in tests of TCP_CHECK
slapd        command:slapd                              a real LDAP server, in the same
socat        command:socat                              ends of SCTP associations in tests under that kernel
ipvsadm      command:ipvsadm                            IPVS itself, beside Tanist, in tests under that kernel
groff-base   command:groff                              reads the manual page in a test
zsh          command:zsh                                reads its completion in a test
openssh-server command:sshd                              a real machine that drills reach by ssh, in tests
openssh-client command:ssh                               how drills reach real machines
qemu-system-x86 command:qemu-system-x86_64              runs tests under another kernel, that of Debian
busybox-static command:busybox                          starts that kernel
cpio         command:cpio                               packs what it starts with
kmod         command:depmod                             finds its modules
systemd      command:systemd-analyze                    rates the hardening of the unit file
'

# Of these: what building needs.
building='clang libbpf-dev'

fail() {
    echo "setup: $1" >&2
    exit 1
}

[ "$(uname -s)" = Linux ] || fail 'Tanist runs on Linux only.'
only=${1:-}
if [ "$only" != build ]; then
    [ "$(id -u)" = 0 ] || fail 'root is needed: the labs are network namespaces and the core is eBPF. Try: sudo npm test'
    [ -e /sys/kernel/btf/vmlinux ] && [ -d /sys/fs/bpf ] || fail 'this kernel has no BPF with BTF (CONFIG_DEBUG_INFO_BTF, 5.15 or later).'
    major=$(uname -r | cut -d. -f1) minor=$(uname -r | cut -d. -f2 | tr -dc 0-9)
    [ "$major" -gt 5 ] || { [ "$major" -eq 5 ] && [ "$minor" -ge 15 ]; } || fail "kernel $(uname -r) is too old; 5.15 or later is needed."
    unshare --net true 2>/dev/null || fail 'this machine does not allow network namespaces.'
fi

# Node 24 for tests and programs is a development dependency, but with an older npm's Node than this parts of the tools are left out.
node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
    fail "Node.js 20.19 or later is needed, this is $(node --version 2>/dev/null || echo none). See docs/installing.md, step 1."

present() {
    case $1 in
    command:*) command -v "${1#*:}" >/dev/null || [ -x "/usr/sbin/${1#*:}" ] ;;
    file:*) [ -e "${1#*:}" ] ;;
    library:*) [[ $(ldconfig -p) = *"${1#*:}"* ]] ;; # whole: grep -q would end the pipe, and with it ldconfig
    esac
}

missing=()
while read -r package proof _; do
    [ "$only" != build ] || [[ " $building " = *" $package "* ]] || continue
    [ -z "$package" ] || present "$proof" || missing+=("$package")
done <<<"$packages"

if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || fail "please install: ${missing[*]}"
    echo "setup: installing ${missing[*]}"
    # The servers among them are for the labs only; they must not start on this machine.
    [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# npm ci, unless what is installed is what the lock file says.
if ! cmp -s package-lock.json node_modules/.tanist-lock; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.tanist-lock
fi
