// The Go side of 14-languages.cs, with the standard library: go run 14-languages.go FRAME ANSWER
// On Linux the object NAME is the file /dev/shm/NAME.
package main

import (
	"encoding/binary"
	"log"
	"os"
	"syscall"
)

// open maps the whole object; a length other than 0 creates it.
func open(name string, length int64) []byte {
	flags := os.O_RDWR
	if length != 0 {
		flags |= os.O_CREATE | os.O_EXCL
	}
	file, err := os.OpenFile("/dev/shm/"+name, flags, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close() // The mapping stays.
	if length != 0 {
		// Reserve the memory, so that no store is a bus error.
		if err := syscall.Fallocate(int(file.Fd()), 0, 0, length); err != nil {
			os.Remove("/dev/shm/" + name) // Do not leave an incomplete answer.
			log.Fatal(err)
		}
	}
	status, err := file.Stat()
	if err != nil {
		log.Fatal(err)
	}
	bytes, err := syscall.Mmap(int(file.Fd()), 0, int(status.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		log.Fatal(err)
	}
	return bytes
}

func main() {
	frame := open(os.Args[1], 0)
	if len(frame) < 16 {
		log.Fatal("the object is too short for a frame")
	}
	// Check what the other program wrote against the object's length, before creating anything.
	count := uint64(binary.LittleEndian.Uint32(frame)) * uint64(binary.LittleEndian.Uint32(frame[4:]))
	if count > uint64(len(frame)-16) {
		log.Fatal("the frame ends past the end of the object")
	}
	end := 16 + int(count)

	answer := open(os.Args[2], int64(len(frame)))
	copy(answer, frame[:16])
	sum := uint64(0)
	for i := 16; i < end; i++ {
		answer[i] = ^frame[i]
		sum += uint64(frame[i])
	}
	binary.LittleEndian.PutUint64(frame[8:], sum)
}
