/* Loaded into User-Mode Linux on hosts with AMX, where it would die at its first program.
 *
 * Up to 6.12 it keeps 2696 bytes of a process's extended state (arch/x86/um/user-offsets.c), which was all there was
 * before AMX, and gives them back with PTRACE_SETREGSET. The host refuses what is shorter than the state that it knows
 * (arch/x86/kernel/fpu/regset.c, xstateregs_set). Given a larger length it reads on behind the buffer, and ignores
 * what it finds: the header at the start says which parts are in use, and nothing on a node uses AMX.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

static long (*next)(int, pid_t, void *, void *);

__attribute__((constructor)) static void find_next(void)
{
    next = (long (*)(int, pid_t, void *, void *))dlsym(RTLD_NEXT, "ptrace");
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    pid_t pid = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
        /* The host takes as much of it as its state is long. */
        struct iovec all = {((struct iovec *)data)->iov_base, 1 << 16};
        return next(request, pid, address, &all);
    }
    return next(request, pid, address, data);
}
