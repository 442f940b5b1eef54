import { android } from "./android";

/** Hands a file to the person: as a download, in Android's app through the system's dialog. */
export async function save(content: Blob, name: string): Promise<void> {
  if (android !== null) return android.save(name, content.type || "application/octet-stream", await base64(content));
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // when the browser has taken it
}

function base64(content: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, "")); // of "data:TYPE;base64,..."
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(content);
  });
}
