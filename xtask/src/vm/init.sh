#!/busybox sh
# First process of the virtual machine: loads modules, puts the root together from what the machine outside shows,
# and hands over to guest.sh in it.
b=/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do
    $b insmod "/modules/$module" || echo "module $module was not loaded"
done < /order
# Shows what the machine outside calls $1 at $2 of the root.
show() {
    case $3 in rw) cache=none ;; *) cache=loose ;; esac
    $b mount -t 9p -o "trans=virtio,version=9p2000.L,msize=524288,cache=$cache,$3" "$1" "/root$2" && return
    echo "cannot show $1 at $2"
    echo o > /proc/sysrq-trigger
    $b sleep 60
}
show root "" ro
for dir in run tmp var/tmp; do
    $b mount -t tmpfs -o mode=1777,size=70% tmpfs "/root/$dir"
done
$b mount -t tmpfs -o size=70%,uid=4242,gid=4242,mode=700 home /root/home/bathysphere-test
$b mkdir -m 755 /root/run/vm
show shared /run/vm rw
. /root/run/vm/command
$b mount --move /proc /root/proc
$b mount --move /sys /root/sys
$b mount --move /dev /root/dev
$b mkdir -p /root/dev/shm /root/dev/pts
$b mount -t tmpfs -o mode=1777 shm /root/dev/shm
$b mount -t devpts -o ptmxmode=666 pts /root/dev/pts
exec $b switch_root /root /bin/sh /run/vm/guest
