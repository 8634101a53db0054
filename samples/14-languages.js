// The Node side of 14-languages.cs: node 14-languages.js FRAME ANSWER
// Node has no mmap: on Linux the object NAME is the file /dev/shm/NAME, and reading and writing it copies its bytes.
const fs = require("node:fs");

const frame = fs.openSync("/dev/shm/" + process.argv[2], "r+");
const bytes = fs.readFileSync(frame);
const end = 16 + bytes.readUInt32LE(0) * bytes.readUInt32LE(4);
if (end > bytes.length) {
  throw new RangeError("the frame ends past the end of the object");
}

let sum = 0n;
const answer = Buffer.from(bytes);
for (let i = 16; i < end; i++) {
  answer[i] = ~bytes[i];
  sum += BigInt(bytes[i]);
}

// "wx": the object is new, so it is ours. A full /dev/shm is an error here, ENOSPC.
const made = fs.openSync("/dev/shm/" + process.argv[3], "wx", 0o600);
try {
  fs.writeFileSync(made, answer);
} catch (error) {
  fs.unlinkSync("/dev/shm/" + process.argv[3]); // Do not leave an incomplete answer.
  throw error;
}

fs.closeSync(made);

const field = Buffer.alloc(8);
field.writeBigUInt64LE(sum);
fs.writeSync(frame, field, 0, 8, 8);
fs.closeSync(frame);
