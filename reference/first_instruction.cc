// The program's first instructions: TERM and INT are blocked before the C library has done anything.
//
// A process 1 that has no handler yet never gets a signal that is not blocked: an end that was asked for in our first millisecond would be
// lost, and the Pod would sit out its grace period. main() blocks them again, for machines on which this file is empty.
#if defined(__x86_64__) && defined(__linux__)

// rt_sigprocmask(SIG_BLOCK, {INT, TERM}, nullptr, 8), with the registers that the ABI hands to _start kept as they are.
asm(R"(
    .section .rodata
    .balign 8
thin_entrypoint_ends:
    .quad 0x4002
    .text
    .globl thin_entrypoint_start
    .type thin_entrypoint_start, @function
thin_entrypoint_start:
    mov %rdx, %r9
    mov $14, %eax
    xor %edi, %edi
    lea thin_entrypoint_ends(%rip), %rsi
    xor %edx, %edx
    mov $8, %r10d
    syscall
    mov %r9, %rdx
    jmp _start
)");

#endif
