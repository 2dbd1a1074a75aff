// TFRecord framing, the container of TensorBoard's event files: records one after another, each
//
//   uint64 length   uint32 masked crc of these 8 bytes   length bytes of data   uint32 masked crc of the data
//
// all little-endian. The crc is CRC-32C (Castagnoli, reflected polynomial 0x82f63b78); masked: rotated right by 15 bits,
// plus 0xa282ead8. A reader stops at a record that is cut off, and goes on there when more has been written.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ TABLE[(crc ^ byte) & 0xff]!;
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** The record of some data, which must be shorter than 4 GiB. */
export function tfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(8 + 4 + data.length + 4);
  record.writeUInt32LE(data.length, 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc(data), 12 + data.length);
  return record;
}
