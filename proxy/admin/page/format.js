// Numbers and times as text. Widths hardly change from one second to the next.
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

function wholeNumber(number) {
  return number.toLocaleString(language === 'zh' ? 'zh-CN' : 'en-US');
}

/// 1023 B, 1.0 KiB, 99.9 MiB, 100 MiB.
function byteText(bytes) {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/// Of a round number.
function roundRateText(bytesPerSecond) {
  return rateText(bytesPerSecond).replace('.0 ', ' ');
}

function rateText(bytesPerSecond) {
  return `${byteText(bytesPerSecond)}/s`;
}

/// 59 s, 1:05, 1:02:03, 3 d 04:05.
function durationText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (number) => String(number).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes}:${two(whole % 60)}`;
  if (hours < 24) return `${hours}:${two(minutes % 60)}:${two(whole % 60)}`;
  return `${Math.floor(hours / 24)} d ${two(hours % 24)}:${two(minutes % 60)}`;
}

function clockText(time) {
  return time.toLocaleTimeString(language === 'zh' ? 'zh-CN' : 'en-GB', {hour12: false});
}

/// A name that somebody else chose. Characters that cannot be seen, or turn the direction of the text, become \u{202e}.
function visibleText(text) {
  return String(text).replace(
    /[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\ufff0-\ufffb]/g,
    (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}
