// The judge in Go: the same lines as shm_judge.c, done as Go programs do it: the object is a file in /dev/shm.
package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

func pattern(at, seed int) byte { return byte(seed + at*31 + (at>>8)*7 + (at>>16)*13) }

func number(text string) int {
	value, _ := strconv.Atoi(text)
	return value
}

// withMapping opens and maps the first size bytes, or all with size 0, and hands them on.
func withMapping(path string, flags, size, protection int, act func([]byte) string) (string, error) {
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	if flags&os.O_CREATE != 0 {
		if err := file.Truncate(int64(size)); err != nil {
			return "", err
		}
	}
	if size == 0 {
		status, err := file.Stat()
		if err != nil {
			return "", err
		}
		size = int(status.Size())
	}
	bytes, err := syscall.Mmap(int(file.Fd()), 0, size, protection, syscall.MAP_SHARED)
	if err != nil {
		return "", err
	}
	defer syscall.Munmap(bytes)
	return act(bytes), nil
}

func answer(word []string) (string, error) {
	name, _ := hex.DecodeString(word[1])
	path := "/dev/shm/" + strings.TrimLeft(string(name), "/")
	switch word[0] {
	case "create":
		result, err := withMapping(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, number(word[2]), syscall.PROT_READ|syscall.PROT_WRITE, func(bytes []byte) string {
			for at := range bytes {
				bytes[at] = pattern(at, number(word[4]))
			}
			return "ok"
		})
		if err != nil {
			return "", err
		}
		mode, _ := strconv.ParseUint(word[3], 8, 32)
		return result, syscall.Chmod(path, uint32(mode))
	case "verify":
		return withMapping(path, os.O_RDONLY, 0, syscall.PROT_READ, func(bytes []byte) string {
			if len(bytes) != number(word[2]) {
				return fmt.Sprintf("size %d", len(bytes))
			}
			for at := range bytes {
				if bytes[at] != pattern(at, number(word[3])) {
					return fmt.Sprintf("differs %d", at)
				}
			}
			return "ok"
		})
	case "edit":
		return withMapping(path, os.O_RDWR, number(word[2])+1, syscall.PROT_READ|syscall.PROT_WRITE, func(bytes []byte) string {
			bytes[number(word[2])] = byte(number(word[3]))
			return "ok"
		})
	case "stat":
		var status syscall.Stat_t
		err := syscall.Stat(path, &status)
		return fmt.Sprintf("ok %o %d", status.Mode&0o7777, status.Size), err
	case "unlink":
		return "ok", syscall.Unlink(path)
	}
	return "unknown", nil
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		text, err := answer(strings.Fields(lines.Text()))
		var errno syscall.Errno
		if errors.As(err, &errno) {
			text = fmt.Sprintf("error %d", int(errno))
		}
		fmt.Println(text)
	}
}
