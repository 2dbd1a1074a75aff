/** All kernels and the headers that they include, each once, as one text. */
export function translationUnit(): string;
