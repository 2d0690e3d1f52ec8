// The person's own camera, microphone and screen.

/**
 * Browsers send three simulcast layers only from a picture of about 960×540 or more, so we ask for 1280×720
 * and take what there is.
 */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Why a device could not be opened, in the words of `text.errors`. */
export function reasonOf(error) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    case 'TypeError':
      return 'insecure';
    default:
      return 'device';
  }
}

function chosen(constraints, device) {
  return device ? { ...constraints, deviceId: { exact: device } } : constraints;
}

/** Holds the open devices, which ones were chosen, and what the person switched off. */
export class Capture extends EventTarget {
  microphone = null;
  camera = null;
  /** The person's wish; a microphone may be there and muted. */
  microphoneOn = true;
  cameraOn = true;
  speakerId = '';
  #microphoneId = '';
  #cameraId = '';

  /** Opens what is asked for, in one question to the person. Throws what the browser throws. */
  async open({ camera, microphone }) {
    if (!camera && !microphone) return;
    if (!navigator.mediaDevices) throw new TypeError('no devices in an insecure page');
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: microphone && chosen(SOUND, this.#microphoneId),
      video: camera && chosen(PICTURE, this.#cameraId),
    });
    if (microphone) this.#takeMicrophone(stream.getAudioTracks()[0]);
    if (camera) this.#takeCamera(stream.getVideoTracks()[0]);
  }

  /** Both devices again, as they were chosen before; what the person has not, or switched off, stays away. */
  async reopen({ camera, microphone }) {
    this.cameraOn = camera;
    this.microphoneOn = microphone;
    await this.open({ camera, microphone: true });
  }

  async useCamera(id) {
    this.#cameraId = id;
    // Many phones cannot open two cameras at once: the old one goes first.
    this.#drop('camera');
    await this.open({ camera: true, microphone: false });
  }

  async useMicrophone(id) {
    this.#microphoneId = id;
    this.#drop('microphone');
    await this.open({ camera: false, microphone: true });
  }

  /** Off keeps the device, so that the first word after it is not lost. */
  async setMicrophone(on) {
    if (on && !this.microphone) await this.open({ camera: false, microphone: true });
    this.microphoneOn = on;
    if (this.microphone) this.microphone.enabled = on;
  }

  /** Off closes the device, so that its light goes out; on opens it again. */
  async setCamera(on) {
    if (on && !this.camera) await this.open({ camera: true, microphone: false });
    if (!on) this.#drop('camera');
    this.cameraOn = on;
  }

  /** What the others may get. */
  sources() {
    return { microphone: this.microphone !== null && this.microphoneOn, camera: this.camera !== null && this.cameraOn };
  }

  /** The devices there are: `{ camera, microphone, speaker }`, each a list. */
  async devices() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const of = (kind) => all.filter((device) => device.kind === kind);
    return { camera: of('videoinput'), microphone: of('audioinput'), speaker: of('audiooutput') };
  }

  stop() {
    this.#drop('camera');
    this.#drop('microphone');
  }

  #takeMicrophone(track) {
    this.#drop('microphone');
    track.enabled = this.microphoneOn;
    this.microphone = track;
    track.addEventListener('ended', () => this.#lost('microphone', track));
    this.#changed();
  }

  #takeCamera(track) {
    this.#drop('camera');
    track.contentHint = 'motion';
    this.camera = track;
    track.addEventListener('ended', () => this.#lost('camera', track));
    this.#changed();
  }

  #drop(which) {
    if (!this[which]) return;
    this[which].stop();
    this[which] = null;
    this.#changed();
  }

  #lost(which, track) {
    if (this[which] !== track) return;
    this[which] = null;
    this.#changed();
    this.dispatchEvent(new CustomEvent('lost', { detail: which }));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** May this page open both devices without asking? Where a browser does not tell, no. */
export async function alreadyAllowed() {
  try {
    const states = await Promise.all(
      ['camera', 'microphone'].map((name) => navigator.permissions.query({ name })),
    );
    return states.every((status) => status.state === 'granted');
  } catch {
    return false;
  }
}

/** Can this browser share its screen? Phones cannot. */
export function canShareScreen() {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}

/** The screen that the person picks. Detail over motion: it is text that is looked at. */
export async function openScreen() {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
  const [track] = stream.getVideoTracks();
  track.contentHint = 'detail';
  return track;
}

/** Can sound be sent to a speaker of choice? */
export function canChooseSpeaker() {
  return typeof HTMLMediaElement.prototype.setSinkId === 'function';
}
