PATH=${PATH:+$PATH:}/usr/bin:/bin:/usr/sbin:/sbin

# Each process, and its parent.
table() {
  if [ -r /proc/self/status ]; then
    for d in /proc/[0-9]*; do
      while read -r key value rest; do
        if [ "$key" = PPid: ]; then echo "${d#/proc/} $value"; break; fi
      done 2>/dev/null <"$d/status"
    done
  else
    ps -A -o pid= -o ppid=
  fi
}

# Adds to the tree all that are below it, stopped.
grow() {
  while :; do
    more=
    set -- $(table)
    while [ $# -gt 1 ]; do
      case " $tree " in
        *" $2 "*) case " $tree $more " in *" $1 "*) ;; *) more="$more $1" ;; esac ;;
      esac
      shift 2
    done
    if [ -z "$more" ]; then return; fi
    kill -STOP $more 2>/dev/null
    tree="$tree$more"
  done
}

alive() {
  kill -0 "$1" 2>/dev/null || return 1
  while read -r key value rest; do
    if [ "$key" = State: ]; then
      case $value in Z* | X*) return 1 ;; esac
      return 0
    fi
  done 2>/dev/null <"/proc/$1/status"
  return 0
}

# Waits for two seconds until none is left.
wait_for_end() {
  tenths=0
  while :; do
    left=
    for p in $tree; do if alive "$p"; then left="$left $p"; fi; done
    if [ -z "$left" ]; then exit 0; fi
    if [ "$tenths" -ge 20 ]; then return; fi
    sleep 0.1 2>/dev/null || { sleep 1; tenths=$((tenths + 9)); }
    tenths=$((tenths + 1))
  done
}

kill -0 "$1" 2>/dev/null || exit 4
case "
$(table | tr -s ' \t' ' ' | sed 's/^ //')
" in
  *"
$1 $PPID
"*) ;;
  *) exit 5 ;;
esac
tree=$1
kill -STOP "$1" 2>/dev/null
grow
kill -TERM $tree 2>/dev/null
kill -CONT $tree 2>/dev/null
wait_for_end
tree=$left
kill -STOP $tree 2>/dev/null
grow
kill -KILL $tree 2>/dev/null
wait_for_end
exit 3
