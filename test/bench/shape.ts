/** Chunks of content in a stream of the mock provider. */
export const CHUNKS = 20;
