/*
 * What the node's kernel calls for a module that it lacks. libnmstate asks for wireless anew for each interface in each
 * look at the node; User-Mode Linux has none, and finding that out by modprobe takes it 0.1 s every time.
 */
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (strcmp(argv[argc - 1], "net-pf-16-proto-16-family-nl80211") == 0)
        return 1;
    argv[0] = "/sbin/modprobe";
    execv(argv[0], argv);
    return 1;
}
