/** The WHATWG's encoding standard, all that the core takes of any platform: every runtime has it. */
declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(data?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}
