# Makes the directories of FRR what FRR and the agent need. Run in FRR's image, which knows the users by their names.
#
#   sockets   frr:frrvty 0755   FRR makes its sockets here, 0770 frr:frrvty; the agent locks the directory
#   startup   root:frrvty 2775  frr.conf: the agent writes it as a member of frrvty, FRR reads it
#
# Below directories that nobody but root can enter: passwords are in frr.conf, and the numbers of FRR's groups mean
# other groups on the node.
set -eu
given=/frr-startup sockets=/var/run/frr startup=/etc/frr
for closed in /host/run /host/lib; do
    if [ -d "$closed" ]; then chmod 0700 "$closed"; fi
done
chown frr:frrvty "$sockets"
chmod 0755 "$sockets"
chown root:frrvty "$startup"
chmod 2775 "$startup"
for file in daemons vtysh.conf; do
    install -o root -g frrvty -m 0640 "$given/$file" "$startup/$file"
done
# What was applied last stays: FRR starts with it, also before there is an API server, or an agent.
if [ ! -e "$startup/frr.conf" ]; then
    install -o root -g frrvty -m 0640 /dev/null "$startup/frr.conf"
fi
echo "FRR's sockets are for the group $(getent group frrvty | cut -d: -f1,3)"
