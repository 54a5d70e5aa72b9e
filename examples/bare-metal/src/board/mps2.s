// The vectors, and what they lead to: clears .bss and the stack, turns the floating-point unit on.
.section .vectors,"a",%progbits
.word stack_top, reset
.rept 14
.word fault
.endr
.text
.thumb_func
.globl reset
reset:
  ldr r0, =__bss
  ldr r1, =__end
  movs r2, #0
1: cmp r0, r1
  bhs 2f
  str r2, [r0]
  adds r0, #4
  b 1b
2: ldr r0, =0xE000ED88
  ldr r1, [r0]
  orr r1, #0xF00000
  str r1, [r0]
  dsb
  isb
  bl start
.thumb_func
fault: b fault
