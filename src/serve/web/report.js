// The cursor over a spectrogram while its clip plays, and the filter over features. No framework: a page of this
// size needs none, and it must work from a file without a network.
"use strict";

for (const example of document.querySelectorAll(".example")) {
  const audio = example.querySelector("audio"), cursor = example.querySelector(".cursor");
  if (!audio || !cursor) continue;
  const place = () => {
    cursor.style.left = audio.duration ? `${(100 * audio.currentTime) / audio.duration}%` : "0";
    if (!audio.paused) requestAnimationFrame(place);
  };
  audio.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
    cursor.style.display = "block";
    place();
  });
  example.querySelector(".picture").addEventListener("click", () => {
    audio.currentTime = 0;
    audio.play();
  });
}

const filter = document.querySelector("#filter");
if (filter) {
  filter.addEventListener("input", () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const feature of document.querySelectorAll(".feature")) {
      const found = feature.textContent.toLowerCase().includes(wanted);
      feature.hidden = !found;
      if (wanted.length > 1 && found) feature.open = true;
    }
  });
}
