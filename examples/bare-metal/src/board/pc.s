// Where QEMU's PVH loader jumps to, in 32-bit protected mode without paging: clears .bss, maps the first GiB as it is,
// and goes on in 64-bit mode with SSE, which compiled code may use.
.section .note.pvh,"a",@note
.long 4, 4, 18                  // "Xen\0", one address, XEN_ELFNOTE_PHYS32_ENTRY
.asciz "Xen"
.long start32
.section .text.start32,"ax",@progbits
.code32
.globl start32
start32:
  cli
  mov $__bss, %edi
  mov $__end, %ecx
  sub %edi, %ecx
  xor %eax, %eax
  cld
  rep stosb
  mov $pdpt, %eax
  or $3, %eax
  mov %eax, pml4
  mov $pd, %eax
  or $3, %eax
  mov %eax, pdpt
  xor %ecx, %ecx
1: mov %ecx, %eax
  shl $21, %eax
  or $0x83, %eax                // present, writable, 2 MiB
  mov %eax, pd(,%ecx,8)
  inc %ecx
  cmp $512, %ecx
  jne 1b
  mov $pml4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $0x620, %eax               // PAE, OSFXSR, OSXMMEXCPT
  mov %eax, %cr4
  mov $0xC0000080, %ecx
  rdmsr
  or $0x100, %eax               // EFER.LME
  wrmsr
  mov %cr0, %eax
  and $0xFFFFFFFB, %eax         // no EM
  or $0x80000003, %eax          // PG, MP, PE
  mov %eax, %cr0
  lgdt gdtr
  ljmp $8, $start64
.code64
start64:
  mov $16, %eax
  mov %ax, %ds
  mov %ax, %es
  mov %ax, %ss
  mov $stack_top, %rsp
  xor %ebp, %ebp
  call start
.section .rodata
.align 8
gdt: .quad 0, 0x00AF9A000000FFFF, 0x00CF92000000FFFF
gdtr: .word 23
  .long gdt
.section .bss
.align 4096
pml4: .skip 4096
pdpt: .skip 4096
pd: .skip 4096
.globl stack_bottom
stack_bottom: .skip 32768
.globl stack_top
stack_top:
